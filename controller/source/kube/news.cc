#include "controller/source/kube/news.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace sluice::source {

namespace {

using nlohmann::json;

// Types that say that something is wrong when they are True.   Spec: gateway-api v1
constexpr std::array<std::string_view, 3> kBadWhenTrue = {"Conflicted", "OverlappingTLSConfig",
                                                          "PartiallyInvalid"};

struct Condition {
  std::string status;
  std::string reason;
  std::string message;

  bool operator==(const Condition&) const = default;
};

// Of what ("" is the object itself, or "listener http"), and the type.
using Conditions = std::map<std::pair<std::string, std::string>, Condition>;

std::string text(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

const json& list(const json& object, const char* name) {
  static const json none = json::array();
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_array() ? *found : none;
}

void collect(const json& holder, const std::string& where, Conditions& all) {
  for (const json& each : list(holder, "conditions")) {
    all[{where, text(each, "type")}] = {text(each, "status"), text(each, "reason"),
                                        text(each, "message")};
  }
}

std::string parent_text(const json& entry, const char* ref_name) {
  const auto found = entry.find(ref_name);
  if (found == entry.end()) return "";
  const std::string ns = text(*found, "namespace");
  const std::string section = text(*found, "sectionName");
  return fmt::format("{}{}{}{}{}", ns, ns.empty() ? "" : "/", text(*found, "name"),
                     section.empty() ? "" : "/", section);
}

Conditions conditions_of(const json& status, const std::string& controller_name) {
  Conditions all;
  collect(status, "", all);
  for (const json& listener : list(status, "listeners"))
    collect(listener, "listener " + text(listener, "name"), all);
  constexpr std::array<std::pair<const char*, const char*>, 2> kEntries = {
      {{"parents", "parentRef"}, {"ancestors", "ancestorRef"}}};
  for (const auto& [name, ref_name] : kEntries) {
    for (const json& entry : list(status, name)) {
      if (text(entry, "controllerName") != controller_name) continue;
      collect(entry, "parent " + parent_text(entry, ref_name), all);
    }
  }
  return all;
}

bool is_bad(const std::string& type, const Condition& condition) {
  const bool bad_when_true = std::ranges::find(kBadWhenTrue, type) != kBadWhenTrue.end();
  return condition.status == (bad_when_true ? "True" : "False");
}

bool is_worth_saying_when_good(const std::string& where, const std::string& type) {
  return !where.starts_with("listener") && (type == "Accepted" || type == "Programmed");
}

}  // namespace

std::vector<News> news_between(const json& before, const json& after,
                               const std::string& controller_name) {
  const Conditions old = conditions_of(before, controller_name);
  std::vector<News> news;
  for (const auto& [place, condition] : conditions_of(after, controller_name)) {
    const auto& [where, type] = place;
    if (condition.status == "Unknown") continue;
    const auto found = old.find(place);
    if (found != old.end() && found->second == condition) continue;
    const bool bad = is_bad(type, condition);
    const bool was_bad = found != old.end() && is_bad(type, found->second);
    const bool turned = found == old.end() || found->second.status != condition.status;
    if (!bad && !(turned && (was_bad || is_worth_saying_when_good(where, type)))) continue;
    news.push_back(
        {bad, condition.reason,
         fmt::format("{}{}{} is {}{}{}", where, where.empty() ? "" : ": ", type, condition.status,
                     condition.message.empty() ? "" : ": ", condition.message)});
  }
  return news;
}

}  // namespace sluice::source
