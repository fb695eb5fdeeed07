#include "controller/source/files/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

namespace sluice::source {
namespace {

using nlohmann::json;

constexpr std::string_view kDefaultNamespace = "default";
constexpr std::string_view kImplicitClass = "sluice";
constexpr std::string_view kNameLabel = "kubernetes.io/metadata.name";

std::shared_ptr<const model::Object> with_generation(
    const std::shared_ptr<const model::Object>& object, std::int64_t generation) {
  if (model::meta_of(*object).generation == generation) return object;
  auto copy = std::make_shared<model::Object>(*object);
  std::visit([generation](auto& each) { each.meta.generation = generation; }, *copy);
  return copy;
}

}  // namespace

Objects::Objects(AcceptedLog log, std::string controller_name)
    : log_(std::move(log)), controller_name_(std::move(controller_name)) {
  for (AcceptedEntry& entry : log_.take_restored()) {
    json object = json::parse(entry.json, nullptr, false);
    if (!object.is_object()) continue;
    AcceptResult result = accept_object(std::move(object), {entry.path, entry.line});
    if (result.accepted == nullptr || result.key != entry.key) continue;
    live_[entry.key] = {entry.path, entry.line, entry.generation, result.accepted, false};
    undecided_.insert(entry.key);
  }
  undecided_.insert({model::Kind::kNamespace, {"", std::string(kDefaultNamespace)}});
  undecided_.insert({model::Kind::kGatewayClass, {"", std::string(kImplicitClass)}});
}

void Objects::add(const Document& document) {
  for (const Claim& claim : document.claims) {
    auto& named = named_[claim.key];
    const Named entry{&document, &claim};
    const auto at =
        std::upper_bound(named.begin(), named.end(), entry,
                         [](const Named& a, const Named& b) { return a.order() < b.order(); });
    named.insert(at, entry);
    if (named.size() > 1) contested_.insert(claim.key);
    undecided_.insert(claim.key);
  }
}

void Objects::remove(const Document& document) {
  for (const Claim& claim : document.claims) {
    const auto found = named_.find(claim.key);
    if (found == named_.end()) continue;
    std::erase_if(found->second, [&](const Named& each) { return each.claim == &claim; });
    if (found->second.size() < 2) contested_.erase(claim.key);
    if (found->second.empty()) named_.erase(found);
    undecided_.insert(claim.key);
  }
}

std::unique_ptr<Document> Objects::restored_document(const std::string& path) const {
  auto document = std::make_unique<Document>();
  document->path = &path;
  document->line = 1;
  for (const auto& [key, live] : live_) {
    if (live.path != path || live.announced) continue;
    document->claims.push_back({key, live.line, live.accepted});
  }
  return document;
}

const Objects::Named* Objects::choose(const std::vector<Named>& named, const Live* live) const {
  const Named* first_accepted = nullptr;
  for (const Named& each : named) {
    if (live != nullptr && *each.document->path == live->path) return &each;
    if (first_accepted == nullptr && each.claim->accepted != nullptr) first_accepted = &each;
  }
  if (first_accepted == nullptr && !named.empty()) return &named.front();
  return first_accepted;
}

void Objects::decide_key(const model::ObjectKey& key, std::vector<model::Change>& changes) {
  const auto found = live_.find(key);
  const Live* live = found == live_.end() ? nullptr : &found->second;
  const auto claims = named_.find(key);
  const Named* chosen = claims == named_.end() ? nullptr : choose(claims->second, live);

  if (chosen != nullptr && chosen->claim->accepted != nullptr) {
    const Live next{*chosen->document->path, chosen->document->line + chosen->claim->line - 1, 1,
                    chosen->claim->accepted, false};
    return set_live(key, next, changes);
  }
  const bool last_accepted_stays = chosen != nullptr && live != nullptr && !live->path.empty();
  if (last_accepted_stays) {
    Live next = *live;
    next.path = *chosen->document->path;
    return set_live(key, next, changes);
  }
  if (exists_implicitly(key))
    return set_live(key, {"", 0, 1, implicit_version(key), false}, changes);
  if (live != nullptr) drop_live(key, changes);
}

void Objects::set_live(const model::ObjectKey& key, Live next,
                       std::vector<model::Change>& changes) {
  const auto [at, is_new] = live_.try_emplace(key);
  Live& live = at->second;
  const bool same_json = !is_new && live.accepted->json == next.accepted->json;
  if (!is_new) {
    next.generation = live.generation + (live.accepted->spec == next.accepted->spec ? 0 : 1);
  }
  const bool known = live.announced && same_json;
  const bool same_entry = same_json && live.path == next.path;
  if (!live.announced) count_namespace(key, 1);
  next.announced = true;
  live = std::move(next);
  if (!known) changes.push_back({key, with_generation(live.accepted->object, live.generation)});
  if (same_entry) return;
  if (live.path.empty()) {
    log_.remove(key);
  } else {
    log_.put({key, live.path, live.line, live.generation, live.accepted->json});
  }
}

void Objects::drop_live(const model::ObjectKey& key, std::vector<model::Change>& changes) {
  const auto found = live_.find(key);
  if (found->second.announced) {
    changes.push_back({key, nullptr});
    count_namespace(key, -1);
  }
  live_.erase(found);
  log_.remove(key);
}

bool Objects::exists_implicitly(const model::ObjectKey& key) const {
  const std::string& name = key.name.name;
  if (key.kind == model::Kind::kGatewayClass) return name == kImplicitClass;
  if (key.kind != model::Kind::kNamespace) return false;
  return name == kDefaultNamespace || namespace_use_.contains(name);
}

std::shared_ptr<const Accepted> Objects::implicit_version(const model::ObjectKey& key) const {
  json object = {{"metadata", {{"name", key.name.name}}}};
  auto version = std::make_shared<Accepted>();
  if (key.kind == model::Kind::kNamespace) {
    object["apiVersion"] = "v1";
    object["kind"] = "Namespace";
    object["metadata"]["labels"] = {{kNameLabel, key.name.name}};
    model::Namespace implicit;
    implicit.meta.name = key.name;
    implicit.meta.labels[std::string(kNameLabel)] = key.name.name;
    version->object = std::make_shared<model::Object>(std::move(implicit));
  } else {
    object["apiVersion"] = "gateway.networking.k8s.io/v1";
    object["kind"] = "GatewayClass";
    object["spec"] = {{"controllerName", controller_name_}};
    model::GatewayClass implicit;
    implicit.meta.name = key.name;
    implicit.controller_name = controller_name_;
    version->object = std::make_shared<model::Object>(std::move(implicit));
  }
  version->json = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return version;
}

void Objects::count_namespace(const model::ObjectKey& key, int by) {
  if (key.name.ns.empty()) return;
  int& count = namespace_use_[key.name.ns];
  count += by;
  const bool edge = by > 0 ? count == 1 : count == 0;
  if (count == 0) namespace_use_.erase(key.name.ns);
  if (edge) undecided_.insert({model::Kind::kNamespace, {"", key.name.ns}});
}

std::vector<model::Change> Objects::decide() {
  std::vector<model::Change> changes;
  // Deciding an object may bring up its namespace, so this ends after two rounds.
  while (!undecided_.empty()) {
    const auto keys = std::exchange(undecided_, {});
    for (const model::ObjectKey& key : keys)
      decide_key(key, changes);
  }
  return changes;
}

std::vector<model::Problem> Objects::problems() const {
  std::vector<model::Problem> problems;
  for (const model::ObjectKey& key : contested_) {
    const auto& named = named_.at(key);
    const auto live = live_.find(key);
    const Named* winner = choose(named, live == live_.end() ? nullptr : &live->second);
    for (const Named& loser : named) {
      if (&loser == winner) continue;
      problems.push_back(
          {{*loser.document->path, loser.document->line + loser.claim->line - 1},
           key.text(),
           "",
           fmt::format("the object is in {}:{} already, which stays in use; remove one of the two",
                       *winner->document->path, winner->document->line + winner->claim->line - 1)});
    }
  }
  return problems;
}

std::string Objects::object_json(const model::ObjectKey& key) const {
  const auto found = live_.find(key);
  if (found == live_.end() || !found->second.announced) return {};
  json object = json::parse(found->second.accepted->json, nullptr, false);
  object["metadata"]["generation"] = found->second.generation;
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<void> Objects::flush() {
  return log_.flush([this](const auto& take) {
    for (const auto& [key, live] : live_) {
      if (live.path.empty() || !live.announced) continue;
      take({key, live.path, live.line, live.generation, live.accepted->json});
    }
  });
}

}  // namespace sluice::source
