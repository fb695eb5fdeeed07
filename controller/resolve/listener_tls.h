// How the listeners of Gateways and ListenerSets where TLS ends, of protocol HTTPS or of TLS in
// mode Terminate, answer handshakes: certificates and options.
//
// A listener serves with the certificates that are good, as long as there is one; what is wrong
// with the others is told in ResolvedRefs.
//
// Process: controller.   Pure, but for the memory of the CertificateBook.
// Spec: gateway-api v1 ListenerTLSConfig, ListenerConditionOverlappingTLSConfig
// Options: controller/doc/conditions.md, "TLS options".   Tested by: test/golden
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/conflicts.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fills in what those of `plans` where TLS ends serve with, or why they don't.
// REQUIRES: they are those of `listeners`, all of the object that refers.
void plan_tls(std::span<const model::Listener> listeners, const RefSearch& search,
              std::span<ListenerPlan> plans);

// Fills in which of the same listeners overlap, conflicts settled.
void note_overlaps(const std::map<std::uint16_t, Losses>& losses, GatewayPlan& plan);

}  // namespace sluice::resolve
