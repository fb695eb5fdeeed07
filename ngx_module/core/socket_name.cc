#include "ngx_module/core/socket_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstring>

namespace sluice::core {

std::optional<table::SocketKey> socket_key(const sockaddr* address) {
  table::SocketKey key;
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    key.family = table::Family::kIpv4;
    key.port = ntohs(in.sin_port);
    std::memcpy(key.address, &in.sin_addr, 4);
    return key;
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    key.port = ntohs(in6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
      key.family = table::Family::kIpv4;
      std::memcpy(key.address, in6.sin6_addr.s6_addr + 12, 4);
    } else {
      key.family = table::Family::kIpv6;
      std::memcpy(key.address, in6.sin6_addr.s6_addr, 16);
    }
    return key;
  }
  return std::nullopt;
}

socklen_t to_sockaddr(const table::SocketKey& key, sockaddr_storage& address) {
  std::memset(&address, 0, sizeof address);
  if (key.family == table::Family::kIpv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(key.port);
    std::memcpy(&in.sin_addr, key.address, 4);
    std::memcpy(&address, &in, sizeof in);
    return sizeof in;
  }
  if (key.family == table::Family::kIpv6) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(key.port);
    std::memcpy(&in6.sin6_addr, key.address, 16);
    std::memcpy(&address, &in6, sizeof in6);
    return sizeof in6;
  }
  return 0;
}

SocketName socket_name(const table::SocketKey& key) {
  char address[INET6_ADDRSTRLEN] = "";
  const bool v6 = key.family == table::Family::kIpv6;
  inet_ntop(v6 ? AF_INET6 : AF_INET, key.address, address, sizeof address);
  SocketName name;
  const int written = std::snprintf(name.bytes, sizeof name.bytes, v6 ? "tcp/[%s]:%u" : "tcp/%s:%u",
                                    address, unsigned{key.port});
  name.size = static_cast<std::size_t>(written);
  return name;
}

}  // namespace sluice::core
