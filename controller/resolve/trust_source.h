// Where references of policies and Gateways find certificates of authorities: the entry ca.crt of a
// ConfigMap, or a ClusterTrustBundle where the API server serves that kind.
//
// Process: controller.   Pure.   Fails: a problem in words, and nothing is trusted.
// Spec: gateway-api v1.7.0 BackendTLSPolicy and FrontendTLSValidation caCertificateRefs, GEP-5075
// Tested by: test/golden, test/unit/controller/resolve/trust_source_test.cc
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/certificates/trust_anchors.h"
#include "controller/model/store.h"

namespace sluice::resolve {

// The object that a reference from namespace `ns` leads to, existing or not; a ClusterTrustBundle
// is of the whole cluster. None: objects of the kind hold no certificates.
std::optional<model::ObjectKey> trust_source(std::string_view group, std::string_view kind,
                                             const std::string& ns, const std::string& name);

// Why objects of a kind lead to no certificates here: of trust_source() without a result, or of one
// that is not served.
std::string unknown_trust_source(std::string_view group, std::string_view kind,
                                 const std::optional<model::ObjectKey>& source);

// The certificates of the object, or what is wrong, with the object's name.
certificates::CheckedAnchors read_trust_source(const model::ObjectKey& key,
                                               const model::Store& store);

}  // namespace sluice::resolve
