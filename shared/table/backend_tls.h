// How a backend's endpoints are reached over TLS, as a value.
//
// Process: controller and tests.   Spec: gateway-api v1 BackendTLSPolicy
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/table/format.h"

namespace sluice::table {

struct SubjectAltName {
  PartKind kind = PartKind::kDnsName;  // kDnsName or kUri
  std::string value;
  bool operator==(const SubjectAltName&) const = default;
};

struct BackendTlsRule {
  bool usable = true;  // false: nothing to verify with, so no connection is made
  bool system_certificates = false;
  std::string hostname;  // the server name, and without subject_alt_names what is verified
  std::vector<SubjectAltName> subject_alt_names;  // any of these is enough
  std::string ca_certificates;                    // PEM
  bool operator==(const BackendTlsRule&) const = default;
};

// The record with its parts, 8-aligned, as it lies in the arena: it leads nowhere.
std::string backend_tls_bytes(const BackendTlsRule& rule);

// " tls a.example.com verifies dns b.example.com": for dumps. `record`: what backend_tls_bytes()
// made, or bytes that make no sense.
std::string backend_tls_text(std::string_view record);

}  // namespace sluice::table
