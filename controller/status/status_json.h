// What is shown of an object, as the `.status` that a cluster would show.
//
// Process: controller.   Pure.   Spec: gateway-api v1 GatewayClassStatus, GatewayStatus,
// ListenerSetStatus, RouteParentStatus; metav1.Condition
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/status/show.h"

namespace sluice::status {

nlohmann::json status_json(model::Kind kind, const Shown& shown,
                           const std::string& controller_name);

}  // namespace sluice::status
