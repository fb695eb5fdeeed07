#include "ngx_module/listen/clone.h"

#include <netinet/in.h>

namespace sluice::listen {

namespace {

void use_ipv6_layout(HttpClone& clone) {
  const auto* const port = static_cast<const ngx_http_port_t*>(clone.listening.servers);
  clone.address.conf = static_cast<const ngx_http_in_addr_t*>(port->addrs)[0].conf;
}

void use_ipv6_layout(StreamClone& clone) {
  const auto* const port = static_cast<const ngx_stream_port_t*>(clone.listening.servers);
  clone.address.conf = static_cast<const ngx_stream_in_addr_t*>(port->addrs)[0].conf;
}

// A template is a Unix socket, whose servers nginx keeps in the layout for IPv4; it reads them in
// the layout of the family that was accepted.
template <class Clone>
void fill(const ngx_listening_t* from, sockaddr_storage& address, std::string_view text,
          Clone& to) {
  to = {};
  to.is_there = from != nullptr;
  if (from == nullptr) return;
  copy_listening(*from, address, text, to.listening);
  if (address.ss_family != AF_INET6) return;
  use_ipv6_layout(to);
  to.port = {&to.address, 1};
  to.listening.servers = &to.port;
}

}  // namespace

void copy_listening(const ngx_listening_t& from, sockaddr_storage& address, std::string_view text,
                    ngx_listening_t& to) {
  const bool v6 = address.ss_family == AF_INET6;
  to = from;
  to.sockaddr = reinterpret_cast<sockaddr*>(&address);
  to.socklen = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  to.addr_text = ngx::str(text);
  to.addr_text_max_len = v6 ? NGX_INET6_ADDRSTRLEN : NGX_INET_ADDRSTRLEN;
  to.addr_ntop = 1;
  to.log = *from.logp;
  to.log.data = &to.addr_text;
  to.log.handler = ngx_accept_log_error;
  to.previous = nullptr;
  to.connection = nullptr;
  to.open = to.listen = to.bound = 1;
  ngx_rbtree_init(&to.rbtree, &to.sentinel, ngx_udp_rbtree_insert_value);
}

void make_clone(const ngx_listening_t* from, sockaddr_storage& address, std::string_view text,
                HttpClone& to) {
  fill(from, address, text, to);
}

void make_clone(const ngx_listening_t* from, sockaddr_storage& address, std::string_view text,
                StreamClone& to) {
  fill(from, address, text, to);
}

}  // namespace sluice::listen
