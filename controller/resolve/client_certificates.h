// Client certificates on both sides of a Gateway: those that its HTTPS listeners, also those of
// ListenerSets, ask clients for,
// and the one that it shows to backends behind TLS.
//
// A listener validates by the authorities that are good, as long as there is one; without any it is
// not served, whatever the mode, and no other listener minds. A Gateway whose own certificate can't
// be used serves on and shows backends none.
//
// Process: controller.   Pure, but for the memory of the CertificateBook.
// Spec: gateway-api v1.7.0 GatewayTLSConfig, FrontendTLSValidation, GatewayBackendTLS
// Tested by: test/golden
#pragma once

#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fills in how the plan's HTTPS listeners validate clients, or why they are not served.
// REQUIRES: plan_tls() has filled in what they serve with.
void plan_frontend(const model::Gateway& gateway, const RefSearch& search, GatewayPlan& plan);

// Fills in what backends see of the Gateway, or why they see nothing.
void plan_client_certificate(const model::Gateway& gateway, const RefSearch& search,
                             GatewayPlan& plan);

}  // namespace sluice::resolve
