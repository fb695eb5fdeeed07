// Who the client is when proxies stand in front of nginx: whether the peer of the connection is one
// that the Gateway trusts, and then what its X-Forwarded-... fields say.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Page: controller/doc/gateway_parameters.md   Tested by: test/e2e/test_gateway_parameters.py
#pragma once

#include <cstdint>
#include <string_view>

#include "ngx_module/core/plan.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// Whether the peer (of a PROXY protocol header, if there was one) is a trusted proxy.
bool is_trusted_peer(const ngx_http_request_t* r, const core::Plan& plan);

// The first field of that name that is not empty; "": none.
std::string_view client_field(const ngx_http_request_t* r, std::string_view name);

// What the client's X-Forwarded-For fields say, joined; "": nothing.
std::string_view forwarded_for(ngx_http_request_t* r);

// The client's, as far as it can be known.
std::string_view client_address(ngx_http_request_t* r);

// What clients put before the host of their URLs: the connection's own or, behind a trusted proxy,
// what its X-Forwarded-Proto and X-Forwarded-Port say.
struct ClientOrigin {
  std::string_view scheme;  // "http" or "https"
  std::uint16_t port = 0;   // 0: unknown, the scheme's own
};

ClientOrigin client_origin(ngx_http_request_t* r);

}  // namespace sluice::http_module
