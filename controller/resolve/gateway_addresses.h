// The addresses of one Gateway: where it listens, what its status shows, and which of those that it
// asks for it has.
//
// An address of routability "Cluster" is the cluster IP of a Service that is made for it, whose
// endpoint is an address of the pool that the Gateway listens on.
//
// Process: controller.   Pure.   Spec: gateway-api v1 GatewaySpecAddress, GEP-5093
// Tested by: test/golden
#pragma once

#include <string>
#include <vector>

#include "controller/model/gateway.h"
#include "controller/resolve/address_book.h"
#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fills in the addresses to listen on: those of the grant; without one the Gateway's own or the
// operator's, and what is shown of them.
void plan_addresses(const model::Gateway& gateway, const Options& options,
                    const AddressGrant* grant, GatewayPlan& plan);

// Fills in what is shown of a grant and of cluster IPs.
void assign_addresses(const model::Gateway& gateway, const AddressGrant& grant,
                      const RefSearch& search, GatewayPlan& plan);

// Where the Services of its cluster IPs lead to: a Gateway may listen on an address of the pool
// that its status does not show.
std::vector<std::string> addresses_of_slices(const model::Gateway& gateway,
                                             const model::Store& store);

}  // namespace sluice::resolve
