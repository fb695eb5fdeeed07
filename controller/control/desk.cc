#include "controller/control/desk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/control/kinds.h"
#include "controller/dns/problems.h"
#include "shared/base/timeout.h"

namespace sluice::control {
namespace {

using nlohmann::json;

constexpr std::uint64_t kDefaultWaitMs = 30000;
constexpr std::uint64_t kLongestWaitMs = 3600000;

Response reply(int status, const json& body) {
  // Texts come from users' files: what is no UTF-8 is replaced, never a reason to fail.
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

Response refusal(int status, std::string message) {
  return reply(status, json{{"error", std::move(message)}});
}

Response unknown_kind(const std::string& word) {
  return refusal(404, fmt::format("unknown kind '{}'; known: {}", word, known_kind_words()));
}

Response workers_reply(const keeper::Keeper& keeper) {
  json workers = json::array();
  for (const keeper::WorkerInfo& worker : keeper.workers()) {
    workers.push_back({{"pid", worker.pid},
                       {"slot", worker.slot},
                       {"instance", worker.instance},
                       {"moduleVersion", worker.module_version},
                       {"listenersOn", worker.listeners_on},
                       {"leftOut", worker.left_out},
                       {"acknowledged", worker.acknowledged},
                       {"warmPatterns", worker.warm_patterns}});
  }
  return reply(200, json{{"workers", std::move(workers)}});
}

std::string text_of(const json& condition, const char* field) {
  const auto found = condition.find(field);
  return found != condition.end() && found->is_string() ? found->get<std::string>() : "";
}

// Why a condition anywhere in `status` is not the last word about `generation`; "": it is.
std::string unsettled(const json& status, std::int64_t generation) {
  if (status.is_object()) {
    const std::string type = text_of(status, "type");
    const std::string truth = text_of(status, "status");
    if (!type.empty() && !truth.empty()) {
      const auto observed = status.find("observedGeneration");
      const bool stale = observed != status.end() && observed->is_number_integer() &&
                         observed->get<std::int64_t>() < generation;
      const bool pending = text_of(status, "reason") == "Pending";
      if (stale || pending || truth == "Unknown") {
        return fmt::format("{} is {}: {}", type, truth, text_of(status, "message"));
      }
      return "";
    }
  }
  if (!status.is_structured()) return "";
  for (const json& part : status) {
    if (std::string why = unsettled(part, generation); !why.empty()) return why;
  }
  return "";
}

// Nothing that can be dumped holds a key.
void redact(json& object) {
  for (const char* field : {"data", "stringData"}) {
    const auto found = object.find(field);
    if (found == object.end() || !found->is_object()) continue;
    for (json& value : *found)
      value = "[redacted]";
  }
}

}  // namespace

void Desk::take(Call call, const keeper::Keeper& keeper, const Progress& progress,
                std::uint64_t now_ms) {
  const Request& request = call.request();
  const bool reads = request.method == "GET";
  if (request.path == "/v1/wait") {
    begin_wait(std::move(call), now_ms);
  } else if (reads && request.path == "/v1/info") {
    call.answer(info(progress));
  } else if (reads && request.path == "/v1/objects") {
    call.answer(objects(request));
  } else if (reads && request.path == "/v1/problems") {
    call.answer(problems());
  } else if (reads && request.path == "/v1/workers") {
    call.answer(workers_reply(keeper));
  } else {
    call.answer(refusal(404, fmt::format("no {} {} here", request.method, request.path)));
  }
}

Response Desk::info(const Progress& progress) const {
  return reply(200, json{{"pid", ::getpid()},
                         {"directory", info_.directory},
                         {"tableDirectory", info_.table_directory},
                         {"version", info_.version},
                         {"generation", progress.generation},
                         {"instance", info_.instance}});
}

Response Desk::objects(const Request& request) const {
  const std::string word = request.parameter("kind");
  const std::optional<model::Kind> kind = find_kind_by_word(word);
  if (!kind) return unknown_kind(word);
  const std::string ns = model::is_namespaced(*kind) ? request.parameter("namespace") : "";
  const std::string name = request.parameter("name");
  json items = json::array();
  for (const auto& [object_name, stored] : rooms_.store.all(*kind)) {
    if (!ns.empty() && object_name.ns != ns) continue;
    if (!name.empty() && object_name.name != name) continue;
    items.push_back(object({*kind, object_name}));
  }
  return reply(200, json{{"items", std::move(items)}});
}

json Desk::object(const model::ObjectKey& key) const {
  json object = json::parse(rooms_.source.object_json(key), nullptr, false);
  if (!object.is_object()) {
    object = json{{"kind", model::kind_name(key.kind)},
                  {"metadata", {{"name", key.name.name}, {"namespace", key.name.ns}}}};
  }
  if (key.kind == model::Kind::kSecret) redact(object);
  json status = rooms_.book.status_of(key);
  if (!status.is_null()) object["status"] = std::move(status);
  return object;
}

Response Desk::problems() const {
  json list = json::array();
  for (const auto& problems :
       {rooms_.source.problems(), dns::problems(rooms_.names, rooms_.store)}) {
    for (const model::Problem& problem : problems) {
      list.push_back({{"file", problem.position.file},
                      {"line", problem.position.line},
                      {"object", problem.object},
                      {"field", problem.field},
                      {"message", problem.message}});
    }
  }
  return reply(200, json{{"problems", std::move(list)}, {"ignored", rooms_.source.ignored()}});
}

void Desk::begin_wait(Call call, std::uint64_t now_ms) {
  const Request& request = call.request();
  std::uint64_t timeout = kDefaultWaitMs;
  if (const std::string text = request.parameter("timeout_ms"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), timeout);
    if (error != std::errc() || *end != '\0') {
      call.answer(refusal(400, fmt::format("timeout_ms '{}' is no number of milliseconds", text)));
      return;
    }
  }
  std::optional<model::ObjectKey> object;
  if (const std::string word = request.parameter("kind"); !word.empty()) {
    const std::optional<model::Kind> kind = find_kind_by_word(word);
    if (!kind) {
      call.answer(unknown_kind(word));
      return;
    }
    std::string ns = request.parameter("namespace");
    if (!model::is_namespaced(*kind)) {
      ns.clear();
    } else if (ns.empty()) {
      ns = "default";
    }
    object = model::ObjectKey{*kind, {ns, request.parameter("name")}};
  }
  const std::uint64_t deadline = now_ms + std::min(timeout, kLongestWaitMs);
  waits_.push_back({std::move(call), deadline, std::move(object), false, std::nullopt});
}

bool Desk::wants_rescan() const {
  return std::any_of(waits_.begin(), waits_.end(), [](const Wait& wait) { return !wait.looked; });
}

void Desk::looked() {
  for (Wait& wait : waits_)
    wait.looked = true;
}

void Desk::settle(const keeper::Keeper& keeper, const Progress& progress, std::uint64_t now_ms) {
  std::erase_if(waits_, [&](Wait& wait) {
    std::optional<Response> response = outcome(wait, keeper, progress, now_ms);
    if (!response) return false;
    wait.call.answer(std::move(*response));
    return true;
  });
}

std::optional<Response> Desk::outcome(Wait& wait, const keeper::Keeper& keeper,
                                      const Progress& progress, std::uint64_t now_ms) const {
  if (wait.looked && wait.object && rooms_.store.find_object(*wait.object) == nullptr) {
    return refusal(404, fmt::format("no {}", wait.object->text()));
  }
  const std::string what = missing(wait, keeper, progress);
  if (what.empty() && wait.contains) {
    return reply(200, json{{"generation", *wait.contains}, {"workers", keeper.workers().size()}});
  }
  if (now_ms < wait.deadline_ms) return std::nullopt;
  return refusal(504, "timed out: " + what);
}

// What is still to come; "": nothing.
std::string Desk::missing(Wait& wait, const keeper::Keeper& keeper,
                          const Progress& progress) const {
  if (!wait.looked) return "the source was not looked at yet";
  if (!progress.published) {
    return progress.obstacle.empty() ? "the table is not published yet" : progress.obstacle;
  }
  if (!wait.contains) wait.contains = progress.generation;
  const status::DataPlane data_plane = keeper.data_plane();
  if (!data_plane.any_worker) return "no nginx worker is connected";
  if (data_plane.acknowledged < *wait.contains) {
    return fmt::format("nginx workers have acknowledged generation {} of {}",
                       data_plane.acknowledged, *wait.contains);
  }
  if (data_plane.listeners_on && !progress.sockets_settled) {
    return "nginx workers have not opened every listener yet";
  }
  if (!wait.object) return "";
  const model::Object* stored = rooms_.store.find_object(*wait.object);
  const std::string why =
      unsettled(rooms_.book.status_of(*wait.object), model::meta_of(*stored).generation);
  return why.empty() ? "" : fmt::format("{}: {}", wait.object->text(), why);
}

int Desk::timeout_ms(std::uint64_t now_ms) const {
  if (waits_.empty()) return -1;
  std::uint64_t next = waits_.front().deadline_ms;
  for (const Wait& wait : waits_)
    next = std::min(next, wait.deadline_ms);
  return timeout_until(next, now_ms);
}

}  // namespace sluice::control
