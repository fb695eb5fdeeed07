// What a Gateway's status will say.
//
// Process: controller.   Pure.   Spec: controller/doc/conditions.md.   Tested by: test/golden
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "controller/resolve/conflicts.h"
#include "controller/resolve/finding.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Why the listener is not accepted, with the conflicts that it lost (`lost` may be null).
std::optional<Refusal> refusal_of(const ListenerPlan& listener, const Refusal* lost);

// Whether requests can reach it.
bool is_served(const GatewayPlan& gateway, const ListenerPlan& listener, const Refusal* lost);

// `losses` by port; `attached`: routes by listener name.
GatewayFindings gateway_findings(const GatewayPlan& gateway,
                                 const std::map<std::uint16_t, Losses>& losses,
                                 const std::map<std::string, std::uint32_t>& attached);

const Refusal* find_loss(const std::map<std::uint16_t, Losses>& losses,
                         const ListenerPlan& listener);

}  // namespace sluice::resolve
