// Certificates of authorities, as users write them: checked, and written in one
// normal form for the workers.
//
// Process: controller, sluicectl.   Thread: one.   Pure, but for OpenSSL's error queue.
// Fails: a problem in words. Spec: gateway-api v1 BackendTLSPolicy caCertificateRefs
// Tested by: test/unit/controller/certificates/trust_anchors_test.cc
#pragma once

#include <string>
#include <string_view>

namespace sluice::certificates {

// Exactly one of the two is set.
struct CheckedAnchors {
  std::string pem;      // the certificates alone, in their order
  std::string problem;  // "holds no certificate in PEM form"
};

// One certificate that can't be read makes all of them unusable: nobody knows what it was to
// permit.
CheckedAnchors check_trust_anchors(std::string_view pem);

}  // namespace sluice::certificates
