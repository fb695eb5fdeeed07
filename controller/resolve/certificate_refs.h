// What references of Gateways and ListenerSets to certificates lead to: Secrets with a certificate
// and its key, and the certificates of authorities (trust_source.h).
//
// Permission is asked before existence, so that nobody learns by a condition what another namespace
// holds.
//
// Process: controller.   Pure, but for the memory of the CertificateBook.
// Spec: gateway-api v1 SecretObjectReference, ObjectReference, ReferenceGrant
// Tested by: test/golden
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "controller/certificates/key_pair.h"
#include "controller/model/store.h"

namespace sluice::resolve {

// The certificates of Secrets, so that each is read once per change and not once per reference.
class CertificateBook {
 public:
  const certificates::CheckedKeyPair& look_up(const model::Secret& secret);

  // The Secret changed, or nobody refers to it any more.
  void forget(const model::ObjectName& secret) { checked_.erase(secret); }

 private:
  std::map<model::ObjectName, certificates::CheckedKeyPair> checked_;
};

// `from`: the object that refers. `dependencies` gets the objects that were asked for, existing or
// not; a ReferenceGrant without a name stands for every grant of its namespace.
struct RefSearch {
  const model::Store& store;
  CertificateBook& book;
  const model::ObjectKey& from;
  std::set<model::ObjectKey>& dependencies;
};

enum class RefProblem : std::uint8_t { kNone, kKind, kNotPermitted, kUnusable };

// pair: null unless kNone.
struct FoundCertificate {
  RefProblem problem = RefProblem::kNone;
  std::string message;
  std::string name;  // "namespace/name"
  std::shared_ptr<const certificates::KeyPair> pair;
};

// pem: empty unless kNone.
struct FoundAuthorities {
  RefProblem problem = RefProblem::kNone;
  std::string message;
  std::string name;  // "namespace/name", of a ClusterTrustBundle "name"
  std::string pem;
};

FoundCertificate find_certificate(const model::ObjectRef& ref, const RefSearch& search);
FoundAuthorities find_authorities(const model::ObjectRef& ref, const RefSearch& search);

}  // namespace sluice::resolve
