// Names of header fields: hashed and compared without regard to case.
//
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.
// Spec: RFC 9110 5.1 (names are case-insensitive), 5.6.2 (token).
// Tested by: test/unit/shared/http/header_test.cc
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The low 32 bits of the hash that nginx keeps beside every header field it parsed (ngx_hash over
// the lower-case bytes), so that a worker hashes no name again.
constexpr std::uint32_t header_name_hash(std::string_view name) {
  std::uint32_t hash = 0;
  for (const char c : name) {
    hash = hash * 31 + static_cast<unsigned char>(lower(c));
  }
  return hash;
}

constexpr bool same_header_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace sluice::http
