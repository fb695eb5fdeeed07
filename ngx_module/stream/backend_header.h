// The header of the PROXY protocol with which connections to a session's backend begin. nginx's
// proxy writes it at each try, from the addresses of the client's connection.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: the connection's pool.
// Spec: haproxy.org/download/2.8/doc/proxy-protocol.txt
// Tested by: test/e2e/test_stream_proxy_protocol.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::stream_module {

// A header has both its addresses in one family; the client that an incoming header named may be of
// another one than our own address. Then the IPv4 address of the two becomes mapped IPv6; as text
// the client's stays what it is. Fails (false): out of memory, or the client's socket has no
// address.
bool use_one_family(ngx_connection_t* c);

}  // namespace sluice::stream_module
