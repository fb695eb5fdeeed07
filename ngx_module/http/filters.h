// Filters of the rule and of the drawn backendRef, where a request and its answer meet them.
//
// A CORS preflight is answered first, then a redirect; then header fields are edited, the rule's
// filters before the backendRef's, each in the order of its list; Host and path come last, and of
// two rewrites the backendRef's counts for what it sets. Answers: the fields of a backend's answer
// and of a redirect are edited, nginx's own error pages are not; CORS is told with every answer.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Fails: a list whose bytes make no sense answers 500 (Reason::kBadFilters).
// Page: ngx_module/doc/directives.md, "Filters"
// Tested by: test/e2e/test_filters_*.py
#pragma once

#include <cstdint>

#include "ngx_module/http/own_headers.h"
#include "ngx_module/listen/nginx.h"
#include "shared/http/cors.h"

namespace sluice::http_module {

struct RequestState;
struct MirrorCopy;  // http/mirror.cc

struct CorsDecision {
  http::CorsAnswer answer;
  bool preflight;
  std::uint32_t max_age;  // seconds
};

// What the filters of a request decided. In its RequestState.
struct FilterState {
  // The path and query to forward instead of the client's; empty: nothing rewrites them.
  ngx_str_t forward_uri;
  OwnHeaderEdits own_headers;
  const ngx_http_headers_in_t* client_headers;  // before they were edited; null: they were not
  const CorsDecision* cors;                     // null: no such filter
  MirrorCopy** mirrors;                         // null: none, or they are on their way
  bool redirected;                              // the answer is ours, and a filter's
};

// Before the plan's reason is looked at: a redirect needs no backend. NGX_DECLINED: go on; anything
// else is the content handler's result.
ngx_int_t filters_on_request(ngx_http_request_t* r, RequestState& state);

// From the header filter, before all others. Fails (NGX_ERROR): out of memory.
ngx_int_t filters_on_response(ngx_http_request_t* r, RequestState& state);

}  // namespace sluice::http_module
