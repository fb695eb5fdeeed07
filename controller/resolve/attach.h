// Which listeners take a route.
//
// Process: controller.   Pure.
// Spec: gateway-api v1 ParentReference, AllowedRoutes, HTTPRouteSpec.hostnames,
// TLSRouteSpec.hostnames, RouteConditionReason. Tested by: test/golden
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
  ListenerKey key;
  std::string hostname;
  std::uint16_t port = 0;
  std::vector<std::string> kinds;  // of the routes that it takes: "HTTPRoute"
  model::FromNamespaces from = model::FromNamespaces::kSame;
  model::LabelSelector selector;
  ListenerMode mode = ListenerMode::kHttp;
  bool served = false;
  bool operator==(const ListenerView&) const = default;
};

// A Gateway with its own listeners, or a ListenerSet with its own.
struct ParentView {
  model::ObjectKey key;
  model::ObjectName gateway;       // which the listeners belong to
  std::optional<Refusal> refusal;  // of the ListenerSet by the Gateway
  std::vector<ListenerView> listeners;
  bool operator==(const ParentView&) const = default;

  bool selects_namespaces() const;  // a route's namespace labels matter
};

struct AttachedListener {
  ListenerKey listener;
  ListenerMode mode = ListenerMode::kHttp;
  bool served = false;
  std::vector<std::string> hostnames;  // as in Attachment
};

struct ParentOutcome {
  std::optional<Refusal> refusal;  // or:
  std::vector<AttachedListener> listeners;
};

// REQUIRES: `ref` names the `parent`. `labels`: of the route's namespace.
ParentOutcome attach(const RouteView& view, const model::ParentRef& ref, const ParentView& parent,
                     const model::Labels& labels);

}  // namespace sluice::resolve
