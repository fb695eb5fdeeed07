// X-Forwarded-For as proxies write it: each one appends the address that it was connected from.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.   Fails: never.
// Tested by: test/unit/shared/http/forwarded_test.cc
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "shared/http/ip_network.h"

namespace sluice::http {

bool is_in_any(std::span<const IpNetwork> networks, const IpAddress& address);

// One element: an address, which may have a port ("192.0.2.1:80", "[2001:db8::1]:80") or, of IPv6,
// only the brackets. The text is the address alone.
struct ForwardedAddress {
  std::string_view text;
  IpAddress address;
};

std::optional<ForwardedAddress> parse_forwarded_address(std::string_view element);

// The client, as far as the list can be believed: read from its end, the first address that is not
// a trusted proxy's; if all are trusted, the first one of the list. What is no address ends the
// reading. None: not even the last element is an address.
std::optional<ForwardedAddress> find_client(std::string_view list,
                                            std::span<const IpNetwork> trusted);

}  // namespace sluice::http
