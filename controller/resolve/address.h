// IP addresses as text, in one canonical form per address.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/resolve/address_test.cc
#pragma once

#include <optional>
#include <string>

#include "shared/http/ip_network.h"

namespace sluice::resolve {

// "::1" for "0:0:0:0:0:0:0:1"; none for what is no IPv4 or IPv6 address.
std::optional<std::string> canonical_address(const std::string& text);

std::string address_text(const http::IpAddress& address);

// Why nothing can listen on it, or "": multicast and broadcast addresses, and link-local IPv6
// addresses, which mean nothing without an interface.
std::string why_unusable(const std::string& canonical);

bool is_ipv6(const std::string& canonical);

}  // namespace sluice::resolve
