// IP addresses and networks (CIDR) as values.
//
// Process: controller, nginx worker.   Thread: any.   Allocates: only network_text().
// Tested by: test/unit/shared/http/ip_network_test.cc
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct IpAddress {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order, IPv4 in the first four
  auto operator<=>(const IpAddress&) const = default;
};

struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix_bits = 0;
  auto operator<=>(const IpNetwork&) const = default;
};

// "192.0.2.1", "2001:db8::1"; an IPv4 address mapped into IPv6 ("::ffff:192.0.2.1") is the IPv4
// one.
std::optional<IpAddress> parse_ip_address(std::string_view text);

// The same rule for an address that the kernel gave.
IpAddress unmapped(const IpAddress& address);

// "192.0.2.0/24", "2001:db8::/32"; an address alone is the network of only that address. No bits
// behind the prefix, no IPv4 mapped into IPv6.
std::optional<IpNetwork> parse_ip_network(std::string_view text);

// A prefix that is longer than the address counts as the whole address.
bool contains(const IpNetwork& network, const IpAddress& address);

std::string network_text(const IpNetwork& network);  // always with the prefix

}  // namespace sluice::http
