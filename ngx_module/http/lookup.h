// Makes the plan of a request: what the client asked, as the matcher sees it, and what the table
// says about it.
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
#pragma once

#include "ngx_module/http/request_state.h"

namespace sluice::http_module {

// Plans anew when the URI is not the one planned for (after a rewrite or an internal redirect).
// Fails (false): out of memory.
bool plan_request(ngx_http_request_t* r, RequestState& state);

}  // namespace sluice::http_module
