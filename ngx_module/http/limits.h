// The Gateway's limits of a request's size: 413, 414 and 431. nginx's own (client_max_body_size,
// large_client_header_buffers) come before them.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.
// Page: controller/doc/gateway_parameters.md   Tested by: test/e2e/test_gateway_parameters.py
#pragma once

#include "ngx_module/core/plan.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// What is known before the body is read. kNone: within the limits.
core::Reason check_limits(const ngx_http_request_t* r, const core::Plan& plan);

// Puts the filter that counts bodies first in nginx's chain: one whose length was not told is
// refused once it is too long.
void install_limit_body_filter();

}  // namespace sluice::http_module
