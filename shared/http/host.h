// Hostnames: of requests, as listeners and routes write them, and how the two meet.
//
// A wildcard "*.example.com" covers one or more labels in front of "example.com", never none.
// Process: all.   Thread: any.   Allocates: nothing.
// Fails: none for what is no hostname.
// Spec: gateway-api v1 Hostname, Listener.hostname; RFC 9110 7.2 (Host), RFC 3986 3.2.2
// Tested by: test/unit/shared/http/host_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

inline constexpr std::size_t kMaxHostBytes = 255;

// Same values as table::HostKind, from the most to the least specific.
enum class HostForm : std::uint8_t { kExact = 0, kWildcard = 1, kAny = 2 };

// name: lower case; of a wildcard without "*."; empty for kAny. A view into the text it came from.
struct HostPattern {
  HostForm form = HostForm::kAny;
  std::string_view name;
  bool operator==(const HostPattern&) const = default;
};

// The host of a Host field or :authority: lower case, without port and without the trailing dot,
// written into `buffer` (kMaxHostBytes). Accepts IP addresses, "[v6]", underscores and an empty
// text (HTTP/1.0 without Host: only hostname-less rules can match). None: no valid host (400).
std::optional<std::string_view> normalise_host(std::string_view authority, std::span<char> buffer);

// "" = any, "*.name" = wildcard, else exact. None when the CRD's pattern refuses it: lower-case
// labels of letters, digits and inner '-', at most 253 characters, no trailing dot.
std::optional<HostPattern> parse_host_pattern(std::string_view text);

// REQUIRES: host as normalise_host() returns it.
bool host_matches(const HostPattern& pattern, std::string_view host);

// The hosts that both cover, as a pattern; none when there are none.
std::optional<HostPattern> intersect(const HostPattern& a, const HostPattern& b);

// Labels of "a.b.c": 3. Of the empty name: 0.
std::uint32_t count_labels(std::string_view name);

// The bit of table masks (wildcard_labels) for a count: 63 stands for 63 and more.
constexpr std::uint64_t count_bit(std::uint32_t count) {
  return std::uint64_t{1} << (count < 63 ? count : 63);
}

}  // namespace sluice::http
