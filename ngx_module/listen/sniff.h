// What the table says of the socket and, where that is not enough, the first bytes of a connection
// choose its template: HTTP/1 or HTTP/2; where TLS is relayed, the ClientHello's server name
// chooses the listener and with it HTTPS, a relay, or a relay behind a handshake of our own.
// Nothing of them is consumed, and nothing is sent: a client whose ClientHello makes no sense is
// closed. Where the table says so, a header of the PROXY protocol comes first: it is read, and its
// client becomes the client of the connection; without it the connection is closed. What is closed
// here is counted.
//
// Process: nginx worker.   Thread: event loop.   Obeys the template's client_header_timeout, closes
// on graceful exit. Memory: a connection that waits takes what nginx gives every one.
// Tested by: test/e2e/test_protocols.py, test/e2e/test_proxy_protocol.py,
// test/e2e/test_tls_routes.py, test/e2e/test_stream_counters.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::listen {

// The accept handler of a Listener.
void on_connection(ngx_connection_t* c);

}  // namespace sluice::listen
