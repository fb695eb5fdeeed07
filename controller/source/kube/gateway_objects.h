// The objects that Sluice makes for a Gateway, as server-side apply takes them.
//
// One Service in the Gateway's namespace, headless and without a selector: it is where
// spec.infrastructure and other controllers find what belongs to the Gateway.
//
// Process: controller.   Pure.   Spec: gateway-api v1 GatewayInfrastructure
// Tested by: test/unit/controller/source/kube/gateway_objects_test.cc
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/model/object.h"

namespace sluice::source {

// By their keys. `gateway`: the object; `controller_name`: whose they are.
std::map<model::ObjectKey, nlohmann::json> gateway_objects(const nlohmann::json& gateway,
                                                           const std::string& controller_name);

// Whether `object` has all that `wanted` has, besides anything else.
bool says(const nlohmann::json& object, const nlohmann::json& wanted);

// Whether gateway_objects() made it for this controller.
bool is_made_by(const nlohmann::json& object, const std::string& controller_name);

}  // namespace sluice::source
