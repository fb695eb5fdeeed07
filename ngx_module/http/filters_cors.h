// The CORS filter of a request: of several the last one counts, the backendRef's after the rule's.
//
// A preflight is answered here. Whatever else is answered, by the backend or by nginx, tells the
// browser what the filter says; what the backend itself says about CORS is dropped.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Tested by: test/e2e/test_filters_cors.py
#pragma once

#include "ngx_module/http/request_state.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

// Reads the filter that `filters` stands at, and decides. Fails (false): out of memory.
bool decide_cors(ngx_http_request_t* r, RequestState& state, table::FilterReader& filters,
                 const table::Filter& filter);

// The fields of the answer. Fails (false): out of memory.
bool tell_cors(ngx_http_request_t* r, const FilterState& filters);

}  // namespace sluice::http_module
