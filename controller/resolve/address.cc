#include "controller/resolve/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

#include "controller/resolve/delta.h"

namespace sluice::resolve {

namespace {

std::optional<in_addr> parse_ipv4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return address;
}

std::optional<in6_addr> parse_ipv6(const std::string& text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  return address;
}

}  // namespace

std::optional<std::string> canonical_address(const std::string& text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (const auto ipv4 = parse_ipv4(text)) {
    inet_ntop(AF_INET, &*ipv4, buffer.data(), buffer.size());
    return std::string(buffer.data());
  }
  if (const auto ipv6 = parse_ipv6(text)) {
    inet_ntop(AF_INET6, &*ipv6, buffer.data(), buffer.size());
    return std::string(buffer.data());
  }
  return std::nullopt;
}

std::string address_text(const http::IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(address.ipv6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::string why_unusable(const std::string& canonical) {
  if (const auto ipv4 = parse_ipv4(canonical)) {
    const std::uint32_t value = ntohl(ipv4->s_addr);
    if (value == INADDR_BROADCAST) return "is the broadcast address";
    if (IN_MULTICAST(value)) return "is a multicast address";
    return "";
  }
  const auto ipv6 = parse_ipv6(canonical);
  if (!ipv6) return "is not an IP address";
  if (ipv6->s6_addr[0] == 0xff) return "is a multicast address";
  if (ipv6->s6_addr[0] == 0xfe && (ipv6->s6_addr[1] & 0xc0) == 0x80) {
    return "is a link-local address, which needs an interface";
  }
  return "";
}

bool is_ipv6(const std::string& canonical) {
  return canonical.find(':') != std::string::npos;
}

std::string Socket::text() const {
  const std::string host = is_ipv6(address) ? "[" + address + "]" : address;
  return host + ":" + std::to_string(port) + (transport == Transport::kUdp ? "/udp" : "");
}

}  // namespace sluice::resolve
