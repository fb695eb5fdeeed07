// The peers of the implicit upstream: nginx asks us for an endpoint at each try.
//
// A connect failure goes on with another endpoint of the same backend, untried ones first, as long
// as no byte of the request was sent. A bodyless idempotent request is repeated on a fresh
// connection when a kept one turns out to have been closed. Everything else is tried once.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: the request's state.
// Tested by: test/e2e/test_endpoints.py, test/e2e/test_requests.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// peer.init_upstream of the implicit upstream.
ngx_int_t init_upstream(ngx_conf_t* cf, ngx_http_upstream_srv_conf_t* upstream);

}  // namespace sluice::http_module
