// The GatewayParameters of a Gateway: those that its class refers to and, field by field over them,
// those that it refers to itself.
//
// Process: controller.   Pure.   Page: controller/doc/gateway_parameters.md
// Spec: gateway-api v1.7.0 GatewayClassSpec.parametersRef, GatewayInfrastructure.parametersRef
// Tested by: test/golden, test/unit/controller/resolve/parameters_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "controller/model/gateway.h"
#include "controller/model/gateway_parameters.h"
#include "controller/model/store.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/refusal.h"

namespace sluice::resolve {

struct Parameters {
  std::optional<Refusal> refusal;  // a reference leads to nothing that can be read
  ServedOptions options;
  std::set<std::uint16_t> proxy_protocol_ports;
  std::set<std::uint16_t> backend_proxy_protocol_ports;
  bool operator==(const Parameters&) const = default;
};

// What the reference is to, existing or not; none: there is no reference, or it is to a kind that
// is not read.
std::optional<model::ObjectKey> parameters_key(const model::GatewayClass& gateway_class);
std::optional<model::ObjectKey> parameters_key(const model::Gateway& gateway);

// Why a class of ours is not accepted, if so.
std::optional<Refusal> refuse_class(const model::GatewayClass& gateway_class,
                                    const model::Store& store);

Parameters find_parameters(const model::Gateway& gateway, const model::GatewayClass& gateway_class,
                           const model::Store& store);

}  // namespace sluice::resolve
