// The objects that Sluice makes for a Gateway, as server-side apply takes them.
//
// One Service in the Gateway's namespace, headless and without a selector: it is where
// spec.infrastructure and other controllers find what belongs to the Gateway. For each address of
// routability "Cluster" a Service with a cluster IP and an EndpointSlice, which leads to where the
// Gateway listens.
//
// Process: controller.   Pure.   Spec: gateway-api v1 GatewayInfrastructure
// Tested by: test/unit/controller/source/kube/gateway_objects_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::source {

struct GatewayPlace {
  std::string controller_name;         // whose the objects are
  std::vector<std::string> addresses;  // where the Gateway listens
  std::uint16_t port_offset = 0;       // between its ports and those that are open
};

// By their keys. `gateway`: the object.
std::map<model::ObjectKey, nlohmann::json> gateway_objects(const nlohmann::json& gateway,
                                                           const GatewayPlace& place);

// Whether `object` has all that `wanted` has, besides anything else.
bool says(const nlohmann::json& object, const nlohmann::json& wanted);

// Whether gateway_objects() made it for this controller.
bool is_made_by(const nlohmann::json& object, const std::string& controller_name);

}  // namespace sluice::source
