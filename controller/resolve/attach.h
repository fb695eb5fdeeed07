// Which listeners take a route.
//
// Process: controller.   Pure.
// Spec: gateway-api v1 ParentReference, AllowedRoutes, HTTPRouteSpec.hostnames,
// RouteConditionReason. Tested by: test/golden
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/gateway.h"
#include "controller/resolve/gateway_plan.h"
#include "controller/resolve/route_view.h"

namespace sluice::resolve {

// What a route can see of a listener.
struct ListenerView {
  std::string name;
  std::string hostname;
  std::uint16_t port = 0;
  std::vector<std::string> kinds;  // of the routes that it takes: "HTTPRoute"
  model::FromNamespaces from = model::FromNamespaces::kSame;
  model::LabelSelector selector;
  bool served = false;
  bool operator==(const ListenerView&) const = default;
};

struct GatewayView {
  model::ObjectName name;
  std::vector<ListenerView> listeners;
  bool operator==(const GatewayView&) const = default;

  bool selects_namespaces() const;  // a route's namespace labels matter
};

struct AttachedListener {
  std::string listener;
  bool served = false;
  std::vector<std::string> hostnames;  // as in Attachment
};

struct ParentOutcome {
  std::optional<Refusal> refusal;  // or:
  std::vector<AttachedListener> listeners;
};

// REQUIRES: `parent` names the Gateway of `gateway`. `labels`: of the route's namespace.
ParentOutcome attach(const RouteView& view, const model::ParentRef& parent,
                     const GatewayView& gateway, const model::Labels& labels);

}  // namespace sluice::resolve
