// How the HTTPS listeners of a Gateway answer handshakes: certificates and options.
//
// A listener serves with the certificates that are good, as long as there is one; what is wrong
// with the others is told in ResolvedRefs. Permission is asked before existence, so that nobody
// learns by a condition what another namespace holds.
//
// Process: controller.   Pure, but for the memory of the CertificateBook.
// Spec: gateway-api v1 ListenerTLSConfig, ListenerConditionOverlappingTLSConfig
// Options: controller/doc/conditions.md, "TLS options".   Tested by: test/golden
#pragma once

#include <map>
#include <set>

#include "controller/certificates/key_pair.h"
#include "controller/model/store.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// The certificates of Secrets, so that each is read once per change and not once per Gateway.
class CertificateBook {
 public:
  const certificates::CheckedKeyPair& look_up(const model::Secret& secret);

  // The Secret changed, or nobody refers to it any more.
  void forget(const model::ObjectName& secret) { checked_.erase(secret); }

 private:
  std::map<model::ObjectName, certificates::CheckedKeyPair> checked_;
};

// Fills in what the plan's HTTPS listeners serve with, or why they don't. Returns the Secrets that
// were asked for, existing or not; a ReferenceGrant without a name stands for every grant of its
// namespace.
std::set<model::ObjectKey> plan_tls(const model::Gateway& gateway, const model::Store& store,
                                    CertificateBook& book, GatewayPlan& plan);

}  // namespace sluice::resolve
