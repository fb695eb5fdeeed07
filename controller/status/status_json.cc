#include "controller/status/status_json.h"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sluice::status {

namespace {

using nlohmann::json;

constexpr std::string_view kRouteGroup = "gateway.networking.k8s.io";
constexpr std::int64_t kMillisecondsPerSecond = 1000;

std::string_view truth_text(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "True";
    case Truth::kFalse:
      return "False";
    case Truth::kUnknown:
      break;
  }
  return "Unknown";
}

// RFC 3339 in seconds, as Kubernetes writes times.
std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / kMillisecondsPerSecond;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return buffer.data();
}

json conditions_json(const std::vector<Condition>& conditions) {
  json list = json::array();
  for (const Condition& condition : conditions) {
    list.push_back({{"type", condition.type},
                    {"status", truth_text(condition.status)},
                    {"reason", condition.reason},
                    {"message", condition.message},
                    {"observedGeneration", condition.observed_generation},
                    {"lastTransitionTime", time_text(condition.transition_ms)}});
  }
  return list;
}

json class_json(const Shown& shown) {
  json features = json::array();
  for (const std::string& feature : shown.supported_features) {
    features.push_back({{"name", feature}});
  }
  return {{"conditions", conditions_json(shown.conditions)}, {"supportedFeatures", features}};
}

json listeners_json(const Shown& shown) {
  json listeners = json::array();
  for (const ShownListener& listener : shown.listeners) {
    json kinds = json::array();
    for (const std::string& kind : listener.supported_kinds) {
      kinds.push_back({{"group", kRouteGroup}, {"kind", kind}});
    }
    listeners.push_back({{"name", listener.name},
                         {"supportedKinds", kinds},
                         {"attachedRoutes", listener.attached_routes},
                         {"conditions", conditions_json(listener.conditions)}});
  }
  return listeners;
}

json gateway_json(const Shown& shown) {
  json addresses = json::array();
  for (const resolve::AddressFinding& address : shown.addresses) {
    json told = {{"type", "IPAddress"}, {"value", address.value}};
    if (address.routability) told["routability"] = *address.routability;
    addresses.push_back(std::move(told));
  }
  return {{"addresses", addresses},
          {"conditions", conditions_json(shown.conditions)},
          {"listeners", listeners_json(shown)},
          {"attachedListenerSets", shown.attached_listener_sets}};
}

json parent_ref_json(const model::ParentRef& parent) {
  json ref = {{"group", parent.group}, {"kind", parent.kind}, {"name", parent.name}};
  if (parent.ns) ref["namespace"] = *parent.ns;
  if (parent.section_name) ref["sectionName"] = *parent.section_name;
  if (parent.port) ref["port"] = *parent.port;
  return ref;
}

json parents_json(const Shown& shown, const std::string& controller_name, const char* ref) {
  json parents = json::array();
  for (const ShownParent& parent : shown.parents) {
    parents.push_back({{ref, parent_ref_json(parent.parent)},
                       {"controllerName", controller_name},
                       {"conditions", conditions_json(parent.conditions)}});
  }
  return parents;
}

}  // namespace

json status_json(model::Kind kind, const Shown& shown, const std::string& controller_name) {
  if (kind == model::Kind::kGatewayClass) return class_json(shown);
  if (kind == model::Kind::kGateway) return gateway_json(shown);
  if (kind == model::Kind::kListenerSet) {
    return {{"conditions", conditions_json(shown.conditions)},
            {"listeners", listeners_json(shown)}};
  }
  if (kind == model::Kind::kBackendTlsPolicy) {
    return {{"ancestors", parents_json(shown, controller_name, "ancestorRef")}};
  }
  return {{"parents", parents_json(shown, controller_name, "parentRef")}};
}

}  // namespace sluice::status
