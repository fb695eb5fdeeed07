// Filters of the rule and of the drawn backendRef, where a request and its answer meet them.
// Order: the rule's filters, then the backendRef's, each in the order of its list.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Fails: a list whose bytes make no sense answers 500 (Reason::kBadFilters).
// Page: ngx_module/doc/directives.md, "Filters"
// Tested by: test/e2e/test_filters_*.py
#pragma once

#include "ngx_module/http/own_headers.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

struct RequestState;

// What the filters of a request decided. In its RequestState.
struct FilterState {
  // The path and query to forward instead of the client's; empty: nothing rewrites them.
  ngx_str_t forward_uri;
  OwnHeaderEdits own_headers;
};

// Before the plan's reason is looked at: a redirect needs no backend. NGX_DECLINED: go on; anything
// else is the content handler's result.
ngx_int_t filters_on_request(ngx_http_request_t* r, RequestState& state);

// From the header filter, before all others. Fails (NGX_ERROR): out of memory.
ngx_int_t filters_on_response(ngx_http_request_t* r, RequestState& state);

}  // namespace sluice::http_module
