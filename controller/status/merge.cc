#include "controller/status/merge.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace sluice::status {

namespace {

using nlohmann::json;

// Those that the CRDs allow.
constexpr std::size_t kMaxParents = 32;
constexpr std::size_t kMaxAncestors = 16;

// Of all kinds: one that is not said any more goes.
constexpr std::array<std::string_view, 8> kOurTypes = {"Accepted",
                                                       "Programmed",
                                                       "ResolvedRefs",
                                                       "Conflicted",
                                                       "OverlappingTLSConfig",
                                                       "SupportedVersion",
                                                       "InsecureFrontendValidationMode",
                                                       "AddressesAssigned"};

bool is_ours(std::string_view type) {
  return std::find(kOurTypes.begin(), kOurTypes.end(), type) != kOurTypes.end();
}

// Members of statuses that anybody may have written: of another type than expected they are as good
// as absent.
json list_of(const json& object, const char* name) {
  if (!object.is_object()) return json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : json::array();
}

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t generation_of(const json& condition) {
  const auto found = condition.find("observedGeneration");
  return found != condition.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

json merge_condition(const json& current, const json& ours) {
  if (generation_of(current) > generation_of(ours)) return current;
  json merged = ours;
  const std::string since = text_of(current, "lastTransitionTime");
  if (text_of(current, "status") == text_of(ours, "status") && !since.empty()) {
    merged["lastTransitionTime"] = since;
  }
  return merged;
}

json::iterator find_named(json& list, const char* member, const std::string& value) {
  return std::find_if(list.begin(), list.end(),
                      [&](const json& each) { return text_of(each, member) == value; });
}

json merge_conditions(const json& current, json ours) {
  json merged = json::array();
  for (const json& before : current) {
    const std::string type = text_of(before, "type");
    const auto mine = find_named(ours, "type", type);
    if (mine != ours.end()) {
      merged.push_back(merge_condition(before, *mine));
      ours.erase(mine);
    } else if (!is_ours(type)) {
      merged.push_back(before);
    }
  }
  for (json& added : ours)
    merged.push_back(std::move(added));
  return merged;
}

void merge_conditions_of(const json& current, json& ours) {
  ours["conditions"] =
      merge_conditions(list_of(current, "conditions"), list_of(ours, "conditions"));
}

// The listeners of a Gateway or ListenerSet are its own: those that it has no more go.
json merge_listeners(json current, json ours) {
  for (json& listener : ours) {
    const auto before = find_named(current, "name", text_of(listener, "name"));
    if (before != current.end()) merge_conditions_of(*before, listener);
  }
  return ours;
}

// Each of ours stays where it was; what is new comes last.
json merge_entries(const json& current, json ours, const char* ref, const std::string& name,
                   std::size_t most, std::size_t& left_out) {
  json merged = json::array();
  for (const json& before : current) {
    if (text_of(before, "controllerName") != name) {
      merged.push_back(before);
      continue;
    }
    const auto mine = std::find_if(ours.begin(), ours.end(), [&](const json& each) {
      return before.contains(ref) && each.at(ref) == before.at(ref);
    });
    if (mine == ours.end()) continue;
    merge_conditions_of(before, *mine);
    merged.push_back(std::move(*mine));
    ours.erase(mine);
  }
  for (json& added : ours) {
    if (merged.size() < most) {
      merged.push_back(std::move(added));
    } else {
      ++left_out;
    }
  }
  return merged;
}

// Older and standard CRDs have no routability: one that is "" may be left out of what they keep.
json merge_addresses(const json& current, const json& ours) {
  json plain = ours;
  for (json& address : plain) {
    if (text_of(address, "routability").empty()) address.erase("routability");
  }
  return plain == current ? current : ours;
}

}  // namespace

std::optional<Merged> merge_status(const json& current, const json& ours,
                                   const std::string& controller_name) {
  json after = current.is_object() ? current : json::object();
  std::size_t left_out = 0;
  const auto merge_list = [&](const char* list, const char* ref, std::size_t most) {
    const bool has = ours.is_object() && ours.contains(list);
    if (!has && !after.contains(list)) return;
    after[list] = merge_entries(list_of(current, list), has ? ours.at(list) : json::array(), ref,
                                controller_name, most, left_out);
  };
  merge_list("parents", "parentRef", kMaxParents);
  merge_list("ancestors", "ancestorRef", kMaxAncestors);
  if (ours.is_object()) {
    for (const auto& [name, value] : ours.items()) {
      if (name == "conditions") {
        after[name] = merge_conditions(list_of(current, "conditions"), value);
      } else if (name == "listeners") {
        after[name] = merge_listeners(list_of(current, "listeners"), value);
      } else if (name == "addresses") {
        after[name] = merge_addresses(list_of(current, "addresses"), value);
      } else if (name != "parents" && name != "ancestors") {
        after[name] = value;
      }
    }
  }
  if (after == current || (after.empty() && current.is_null())) return std::nullopt;
  return Merged{after.dump(), left_out};
}

}  // namespace sluice::status
