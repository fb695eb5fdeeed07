// What the table says of the socket (HTTP or HTTPS) and, for HTTP, the first bytes of a connection
// choose its template. Nothing of them is consumed. Where the table says so, a header of the PROXY
// protocol comes first: it is read, and its client becomes the client of the connection; without it
// the connection is closed.
//
// Process: nginx worker.   Thread: event loop.   Obeys the template's client_header_timeout, closes
// on graceful exit. Tested by: test/e2e/test_protocols.py, test/e2e/test_proxy_protocol.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::listen {

// The accept handler of a Listener.
void on_connection(ngx_connection_t* c);

}  // namespace sluice::listen
