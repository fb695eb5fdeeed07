// How the HTTPS listeners of a Gateway answer handshakes: certificates and options.
//
// A listener serves with the certificates that are good, as long as there is one; what is wrong
// with the others is told in ResolvedRefs.
//
// Process: controller.   Pure, but for the memory of the CertificateBook.
// Spec: gateway-api v1 ListenerTLSConfig, ListenerConditionOverlappingTLSConfig
// Options: controller/doc/conditions.md, "TLS options".   Tested by: test/golden
#pragma once

#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fills in what the plan's HTTPS listeners serve with, or why they don't.
void plan_tls(const model::Gateway& gateway, const RefSearch& search, GatewayPlan& plan);

}  // namespace sluice::resolve
