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
  static const json none = json::array();
  if (!object.is_object()) return none;
  const auto found = object.find(field);
  return found != object.end() && found->is_array() ? *found : none;
}

// Conditions that say something is wrong when they are True.
bool bad_when_true(const std::string& type) {
  return type == "Conflicted" || type == "OverlappingTLSConfig" || type == "PartiallyInvalid";
}

// What keeps an object from being served, out of its conditions.
struct Trouble {
  std::string text;        // "Accepted=False NoMatchingParent: the message"; "": nothing
  bool undecided = false;  // nobody knows yet: the next change of status will tell
  bool pending = false;    // nothing is wrong, but something is still to come
};

Trouble trouble_of(const json& conditions) {
  Trouble trouble;
  bool wrong = false;
  for (const json& condition : conditions) {
    const std::string type = text_of(condition, "type");
    const std::string status = text_of(condition, "status");
    if (status == (bad_when_true(type) ? "False" : "True")) continue;
    if (status == "Unknown") {
      trouble.undecided = true;
      continue;
    }
    const std::string reason = text_of(condition, "reason");
    (reason == "Pending" ? trouble.pending : wrong) = true;
    if (!trouble.text.empty()) trouble.text += "; ";
    trouble.text +=
        fmt::format("{}={} {}: {}", type, status, reason, text_of(condition, "message"));
  }
  trouble.pending &= !wrong;
  trouble.undecided &= !wrong;
  return trouble;
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
    sockets_.erase({key.owner(), key.listener});
  for (const resolve::ServedListener& listener : delta.listeners) {
    sockets_[{listener.key.owner(), listener.key.listener}] = listener.sockets;
  }
}

std::string Report::sockets_text(const model::ObjectKey& owner, const std::string& listener) const {
  const auto found = sockets_.find({owner, listener});
  std::string text;
  if (found == sockets_.end()) return text;
  for (const resolve::Socket& socket : found->second) {
    if (!text.empty()) text += ", ";
    text += socket.text();
  }
  return text;
}

Report::Lines Report::lines_of(const model::ObjectKey& key, const json& status) const {
  Lines lines;
  const auto add = [&lines](const std::string& about, const json& conditions,
                            const std::string& good, const std::string& bad) {
    const Trouble trouble = trouble_of(conditions);
    if (conditions.empty() || trouble.undecided) return;
    if (trouble.text.empty()) {
      lines[about] = {log::Level::kInfo, good};
    } else {
      lines[about] = {trouble.pending ? log::Level::kInfo : log::Level::kWarning,
                      bad + ": " + trouble.text};
    }
  };
  const std::string name = key.text();
  add("object", list_of(status, "conditions"), name + " is ready", name);
  for (const json& listener : list_of(status, "listeners")) {
    const std::string listener_name = text_of(listener, "name");
    const std::string subject = fmt::format("listener {}/{}", key.name.text(), listener_name);
    add(subject, list_of(listener, "conditions"),
        fmt::format("{} is open on {}, {}", subject, sockets_text(key, listener_name),
                    route_count(listener)),
        subject);
  }
  for (const json& parent : list_of(status, "parents")) {
    const std::string parent_name = parent_text(parent);
    add("parent " + parent_name, list_of(parent, "conditions"),
        fmt::format("{} is served by {}", name, parent_name),
        fmt::format("{} on {}", name, parent_name));
  }
  return lines;
}

void Report::status(const model::ObjectKey& key, const json& status, std::uint64_t now_ms) {
  Lines lines = lines_of(key, status);
  Lines& before = printed_[key];
  for (const auto& [about, line] : lines) {
    const auto old = before.find(about);
    if (old == before.end() || old->second != line) print(line, now_ms);
  }
  const bool gone = status.is_null() && !before.empty();
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
    print({log::Level::kError, text + " (the published table stays)"}, now_ms);
  }
}

void Report::print(const Line& line, std::uint64_t now_ms) {
  Budget& budget = line.level == log::Level::kInfo ? good_news_ : problem_lines_;
  if (now_ms - budget.second_ms >= 1000) {
    if (budget.held_back > 0) sink_(line.level, fmt::format("{} more lines", budget.held_back));
    budget = {now_ms, 0, 0};
  }
  if (budget.lines < kLinesPerSecond) {
    ++budget.lines;
    sink_(line.level, line.text);
    return;
  }
  if (budget.held_back++ == 0) sink_(line.level, "too many lines: some are left out");
}

}  // namespace sluice::report
