#include "controller/status/parse_status.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace sluice::status {

namespace {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text_of(const json& object, const char* name) {
  const json& found = member(object, name);
  return found.is_string() ? found.get<std::string>() : "";
}

std::optional<std::string> optional_text(const json& object, const char* name) {
  const json& found = member(object, name);
  return found.is_string() ? std::optional(found.get<std::string>()) : std::nullopt;
}

std::int64_t number_of(const json& object, const char* name) {
  const json& found = member(object, name);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

Truth truth_of(const std::string& text) {
  if (text == "True") return Truth::kTrue;
  return text == "False" ? Truth::kFalse : Truth::kUnknown;
}

// 0: not as Kubernetes writes times.
std::int64_t milliseconds_of(const std::string& text) {
  std::tm utc{};
  const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return end == nullptr || *end != '\0' ? 0 : static_cast<std::int64_t>(timegm(&utc)) * 1000;
}

std::vector<Condition> conditions_of(const json& holder) {
  std::vector<Condition> conditions;
  for (const json& each : member(holder, "conditions")) {
    conditions.push_back({.type = text_of(each, "type"),
                          .status = truth_of(text_of(each, "status")),
                          .reason = text_of(each, "reason"),
                          .message = text_of(each, "message"),
                          .observed_generation = number_of(each, "observedGeneration"),
                          .transition_ms = milliseconds_of(text_of(each, "lastTransitionTime"))});
  }
  return conditions;
}

std::vector<ShownListener> listeners_of(const json& status) {
  std::vector<ShownListener> listeners;
  for (const json& each : member(status, "listeners")) {
    ShownListener& listener = listeners.emplace_back();
    listener.name = text_of(each, "name");
    for (const json& kind : member(each, "supportedKinds"))
      listener.supported_kinds.push_back(text_of(kind, "kind"));
    listener.attached_routes = static_cast<std::uint32_t>(number_of(each, "attachedRoutes"));
    listener.conditions = conditions_of(each);
  }
  return listeners;
}

model::ParentRef parent_ref_of(const json& ref) {
  model::ParentRef parent;
  parent.group = text_of(ref, "group");
  parent.kind = text_of(ref, "kind");
  parent.ns = optional_text(ref, "namespace");
  parent.name = text_of(ref, "name");
  parent.section_name = optional_text(ref, "sectionName");
  const std::int64_t port = number_of(ref, "port");
  if (port > 0 && port <= 0xffff) parent.port = static_cast<std::uint16_t>(port);
  return parent;
}

std::vector<ShownParent> parents_of(const json& list, const char* ref,
                                    const std::string& controller_name) {
  std::vector<ShownParent> parents;
  for (const json& each : list) {
    if (text_of(each, "controllerName") != controller_name) continue;
    parents.push_back({parent_ref_of(member(each, ref)), conditions_of(each)});
  }
  return parents;
}

}  // namespace

Shown parse_status(model::Kind kind, const json& status, const std::string& controller_name) {
  Shown shown;
  const bool has_listeners = kind == model::Kind::kGateway || kind == model::Kind::kListenerSet;
  if (kind == model::Kind::kGatewayClass || has_listeners) {
    shown.conditions = conditions_of(status);
  }
  if (kind == model::Kind::kGatewayClass) {
    for (const json& feature : member(status, "supportedFeatures"))
      shown.supported_features.push_back(text_of(feature, "name"));
  } else if (has_listeners) {
    for (const json& address : member(status, "addresses"))
      shown.addresses.push_back({text_of(address, "value"), optional_text(address, "routability")});
    shown.listeners = listeners_of(status);
    shown.attached_listener_sets =
        static_cast<std::uint32_t>(number_of(status, "attachedListenerSets"));
  } else if (kind == model::Kind::kBackendTlsPolicy) {
    shown.parents = parents_of(member(status, "ancestors"), "ancestorRef", controller_name);
  } else {
    shown.parents = parents_of(member(status, "parents"), "parentRef", controller_name);
  }
  return shown;
}

}  // namespace sluice::status
