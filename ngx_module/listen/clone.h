// A template of nginx.conf as the behaviour of a socket that is opened at run time.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.
// Lifetime: a clone borrows the template (which lives as long as the cycle), the address and the
// text that it is given. Tested by: test/e2e/test_listeners.py, test/e2e/test_udp_routes.py
#pragma once

#include <sys/socket.h>

#include <string_view>

#include "ngx_module/listen/nginx.h"

namespace sluice::listen {

// What a connection is handed to.
template <class Port, class Ipv6Address>
struct Clone {
  bool is_there;  // nginx.conf has that template
  ngx_listening_t listening;
  Port port;  // the template's server in IPv6 layout
  Ipv6Address address;
};

using HttpClone = Clone<ngx_http_port_t, ngx_http_in6_addr_t>;
using StreamClone = Clone<ngx_stream_port_t, ngx_stream_in6_addr_t>;

// What nginx does for its own listeners when it opens them. `text`: of the address, for logs.
void copy_listening(const ngx_listening_t& from, sockaddr_storage& address, std::string_view text,
                    ngx_listening_t& to);

// `from`: null when nginx.conf has no such template.
void make_clone(const ngx_listening_t* from, sockaddr_storage& address, std::string_view text,
                HttpClone& to);
void make_clone(const ngx_listening_t* from, sockaddr_storage& address, std::string_view text,
                StreamClone& to);

}  // namespace sluice::listen
