// What the statuses of a Gateway and of the ListenerSets that want to join it will say.
//
// Process: controller.   Pure.   Spec: controller/doc/conditions.md.   Tested by: test/golden
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "controller/resolve/conflicts.h"
#include "controller/resolve/finding.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Why the listener is not accepted, with the conflicts that it lost (`lost` may be null).
std::optional<Refusal> refusal_of(const ListenerPlan& listener, const Refusal* lost);

const Refusal* find_loss(const std::map<std::uint16_t, Losses>& losses,
                         const ListenerPlan& listener);

// A Gateway with what its listeners, by port, lose to others.
struct SettledGateway {
  const GatewayPlan& plan;
  const std::map<std::uint16_t, Losses>& losses;
  bool accepted = false;  // by its own listeners
};

SettledGateway settle(const GatewayPlan& plan, const std::map<std::uint16_t, Losses>& losses);

// Whether requests can reach it.
bool is_served(const SettledGateway& gateway, const ListenerPlan& listener);

// Why the Gateway takes no ListenerSet of this namespace.
Refusal not_allowed(const GatewayPlan& gateway, const ListenerSetPlan& set);

using RouteCounts = std::map<ListenerKey, std::uint32_t>;

GatewayFindings gateway_findings(const SettledGateway& gateway, const RouteCounts& attached);

// `set`: one of the Gateway's.
GatewayFindings listener_set_findings(const SettledGateway& gateway, const ListenerSetPlan& set,
                                      const RouteCounts& attached);

}  // namespace sluice::resolve
