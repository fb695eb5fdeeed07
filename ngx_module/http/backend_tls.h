// How the connections of a request to its backend are secured.
//
// A try's connection follows the policy that came with its endpoint, out of one list of endpoints.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.   Tested by:
// test/e2e/test_backend_tls.py
#pragma once

#include <cstdint>

#include "ngx_module/http/request_state.h"

namespace sluice::http_module {

// Tells nginx's upstream machine, before it connects.
void apply_tls(RequestState& state, ngx_http_upstream_t& u);

// 0: plain.
std::uint64_t tls_id(const RequestState& state);

}  // namespace sluice::http_module
