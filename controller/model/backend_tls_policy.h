// BackendTLSPolicy as its CRD says. Spec: gateway-api v1.7.0 BackendTLSPolicy
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::model {

// An object of the policy's own namespace. section_name: of a Service, the name of a port.
struct PolicyTarget {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> section_name;
  auto operator<=>(const PolicyTarget&) const = default;
};

// An object of the policy's own namespace.
struct CaCertificateRef {
  std::string group;
  std::string kind;
  std::string name;
  bool operator==(const CaCertificateRef&) const = default;
};

struct PolicySubjectAltName {
  bool is_uri = false;  // else a hostname
  std::string value;
  bool operator==(const PolicySubjectAltName&) const = default;
};

struct BackendTlsPolicy {
  Meta meta;
  std::vector<PolicyTarget> targets;
  std::vector<CaCertificateRef> ca_certificate_refs;  // or:
  bool system_certificates = false;                   // wellKnownCACertificates: System
  std::string hostname;
  std::vector<PolicySubjectAltName> subject_alt_names;
  std::map<std::string, std::string> options;
};

}  // namespace sluice::model
