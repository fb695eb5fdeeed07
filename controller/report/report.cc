#include "controller/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::report {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const json& list_of(const json& object, const char* field) {
  static const json kNone = json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(field);
  return found != object.end() && found->is_array() ? *found : kNone;
}

// Conditions that say something is wrong when they are True.
bool bad_when_true(const std::string& type) {
  return type == "Conflicted" || type == "OverlappingTLSConfig" || type == "PartiallyInvalid";
}

// "Accepted=False NoMatchingParent: the message"; "" when every condition is as it should be.
// `waiting` is set when one of them is not decided yet.
std::string troubles(const json& conditions, bool& waiting) {
  std::string text;
  for (const json& condition : conditions) {
    const std::string type = text_of(condition, "type");
    const std::string status = text_of(condition, "status");
    if (status == (bad_when_true(type) ? "False" : "True")) continue;
    waiting |= status == "Unknown" || text_of(condition, "reason") == "Pending";
    if (!text.empty()) text += "; ";
    text += fmt::format("{}={} {}: {}", type, status, text_of(condition, "reason"),
                        text_of(condition, "message"));
  }
  return text;
}

std::string route_count(const json& listener) {
  const auto found = listener.find("attachedRoutes");
  const std::int64_t count =
      found != listener.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  return fmt::format("{} route{}", count, count == 1 ? "" : "s");
}

std::string parent_text(const json& parent) {
  const json empty = json::object();
  const auto found = parent.find("parentRef");
  const json& ref = found != parent.end() && found->is_object() ? *found : empty;
  std::string text = text_of(ref, "name");
  if (const std::string ns = text_of(ref, "namespace"); !ns.empty()) text = ns + "/" + text;
  if (const std::string section = text_of(ref, "sectionName"); !section.empty()) {
    text += "/" + section;
  }
  return text;
}

std::string problem_text(const model::Problem& problem) {
  std::string text = problem.position.file;
  if (problem.position.line > 0) text += fmt::format(":{}", problem.position.line);
  for (const std::string* part : {&problem.object, &problem.field, &problem.message}) {
    if (part->empty()) continue;
    if (!text.empty()) text += ": ";
    text += *part;
  }
  return text;
}

}  // namespace

Report::Report()
    : sink_([](log::Level level, const std::string& text) { log::write(level, text); }) {}

void Report::listeners(const resolve::Delta& delta) {
  for (const resolve::ListenerKey& key : delta.listeners_gone)
    sockets_.erase(key);
  for (const resolve::ServedListener& listener : delta.listeners) {
    sockets_[listener.key] = listener.sockets;
  }
}

std::string Report::sockets_text(const resolve::ListenerKey& listener) const {
  const auto found = sockets_.find(listener);
  std::string text;
  if (found == sockets_.end()) return text;
  for (const resolve::Socket& socket : found->second) {
    if (!text.empty()) text += ", ";
    text += socket.text();
  }
  return text;
}

Report::Lines Report::gateway_lines(const model::ObjectKey& key, const json& status) const {
  Lines lines;
  for (const json& listener : list_of(status, "listeners")) {
    const std::string name = text_of(listener, "name");
    const resolve::ListenerKey listener_key{key.name, name};
    bool waiting = false;
    const std::string trouble = troubles(list_of(listener, "conditions"), waiting);
    Line& line = lines["listener " + name];
    if (trouble.empty()) {
      line = {log::Level::kInfo, fmt::format("listener {} is open on {}, {}", listener_key.text(),
                                             sockets_text(listener_key), route_count(listener))};
    } else {
      line = {waiting ? log::Level::kInfo : log::Level::kWarning,
              fmt::format("listener {}: {}", listener_key.text(), trouble)};
    }
  }
  return lines;
}

void Report::status(const model::ObjectKey& key, const json& status, std::uint64_t now_ms) {
  Lines lines;
  if (status.is_object()) {
    bool waiting = false;
    if (key.kind == model::Kind::kGateway) lines = gateway_lines(key, status);
    for (const json& parent : list_of(status, "parents")) {
      bool undecided = false;
      const std::string trouble = troubles(list_of(parent, "conditions"), undecided);
      const std::string name = parent_text(parent);
      lines["parent " + name] =
          trouble.empty()
              ? Line{log::Level::kInfo, fmt::format("{} is served by {}", key.text(), name)}
              : Line{undecided ? log::Level::kInfo : log::Level::kWarning,
                     fmt::format("{} on {}: {}", key.text(), name, trouble)};
    }
    const json& conditions = list_of(status, "conditions");
    const std::string trouble = troubles(conditions, waiting);
    if (!conditions.empty()) {
      lines["object"] = trouble.empty() ? Line{log::Level::kInfo, key.text() + " is ready"}
                                        : Line{waiting ? log::Level::kInfo : log::Level::kWarning,
                                               fmt::format("{}: {}", key.text(), trouble)};
    }
  }
  Lines& before = printed_[key];
  for (const auto& [about, line] : lines) {
    const auto old = before.find(about);
    if (old == before.end() || old->second != line) print(line, now_ms);
  }
  const bool gone = lines.empty() && !before.empty();
  before = std::move(lines);
  if (!before.empty()) return;
  printed_.erase(key);
  if (gone) print({log::Level::kInfo, key.text() + " is gone"}, now_ms);
}

void Report::problems(const std::vector<model::Problem>& problems, std::uint64_t now_ms) {
  std::vector<model::Problem> sorted = problems;
  std::sort(sorted.begin(), sorted.end());
  std::vector<model::Problem> appeared;
  std::set_difference(sorted.begin(), sorted.end(), problems_.begin(), problems_.end(),
                      std::back_inserter(appeared));
  std::vector<model::Problem> mended;
  std::set_difference(problems_.begin(), problems_.end(), sorted.begin(), sorted.end(),
                      std::back_inserter(mended));
  for (const model::Problem& problem : appeared) {
    print({log::Level::kWarning, problem_text(problem)}, now_ms);
  }
  for (const model::Problem& problem : mended) {
    print({log::Level::kInfo, "mended: " + problem_text(problem)}, now_ms);
  }
  problems_ = std::move(sorted);
}

void Report::news(const std::vector<std::string>& lines, std::uint64_t now_ms) {
  for (const std::string& line : lines)
    print({log::Level::kInfo, line}, now_ms);
}

void Report::obstacle(const std::string& text, std::uint64_t now_ms) {
  if (text == obstacle_) return;
  obstacle_ = text;
  if (text.empty()) {
    print({log::Level::kInfo, "the table is published again"}, now_ms);
  } else {
    print({log::Level::kError, text + ": the table before it stays"}, now_ms);
  }
}

void Report::print(const Line& line, std::uint64_t now_ms) {
  if (now_ms - second_ms_ >= 1000) {
    if (held_back_ > 0) sink_(log::Level::kWarning, fmt::format("{} more lines", held_back_));
    second_ms_ = now_ms;
    lines_ = 0;
    held_back_ = 0;
  }
  if (lines_ < kLinesPerSecond) {
    ++lines_;
    sink_(line.level, line.text);
  } else {
    ++held_back_;
  }
}

}  // namespace sluice::report
