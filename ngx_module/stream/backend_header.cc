#include "ngx_module/stream/backend_header.h"

namespace sluice::stream_module {

namespace {

// Fails (false): out of memory.
bool map_ipv4(ngx_pool_t* pool, sockaddr*& address, socklen_t& bytes) {
  if (address->sa_family != AF_INET) return true;
  auto* const mapped = static_cast<sockaddr_in6*>(ngx_pcalloc(pool, sizeof(sockaddr_in6)));
  if (mapped == nullptr) return false;
  const auto& ipv4 = *reinterpret_cast<const sockaddr_in*>(address);
  constexpr std::size_t kPrefix = 12;
  mapped->sin6_family = AF_INET6;
  mapped->sin6_port = ipv4.sin_port;
  ngx_memset(mapped->sin6_addr.s6_addr + kPrefix - 2, 0xff, 2);
  ngx_memcpy(mapped->sin6_addr.s6_addr + kPrefix, &ipv4.sin_addr, sizeof ipv4.sin_addr);
  address = reinterpret_cast<sockaddr*>(mapped);
  bytes = sizeof *mapped;
  return true;
}

}  // namespace

bool use_one_family(ngx_connection_t* c) {
  if (ngx_connection_local_sockaddr(c, nullptr, 0) != NGX_OK) return false;
  if (c->sockaddr->sa_family == c->local_sockaddr->sa_family) return true;
  return map_ipv4(c->pool, c->sockaddr, c->socklen) &&
         map_ipv4(c->pool, c->local_sockaddr, c->local_socklen);
}

}  // namespace sluice::stream_module
