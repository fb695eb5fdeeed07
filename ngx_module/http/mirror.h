// Copies of requests for RequestMirror filters.
//
// A copy is sent when the whole request is known, on a connection of its own, to one endpoint of
// the mirror's backend; its answer is read and forgotten. Nothing of the client's request waits for
// it or knows of it: the copy has its own pool, log and connections, and outlives the request. The
// body is copied while nginx reads it, so that it streams to the backend as ever. Backend and
// mirror need not speak the same version of HTTP (mirror_opening.h).
//
// Not copied, which the log says: bodies of more than kMaxMirroredBody bytes; upgrades; what would
// be too many copies or bytes in one worker.
//
// Process: nginx worker.   Thread: event loop.   Allocates: a pool per copied request.
// Page: ngx_module/doc/directives.md, "Filters"   Tested by: test/e2e/test_filters_mirror*.py
#pragma once

#include "ngx_module/http/request_state.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

inline constexpr std::size_t kMaxMirroredBody = 1U << 20;

// Draws whether this filter copies the request, and begins the copy. Fails (false): out of memory.
bool draw_mirror(ngx_http_request_t* r, RequestState& state, table::FilterReader& filters,
                 const table::Filter& filter);

// From peer.init, once what goes to the backend is written. Sends the copies, now or when the body
// is whole.
void start_mirrors(ngx_http_request_t* r, RequestState& state);

// Puts the filter that copies bodies first in nginx's chain.
void install_mirror_body_filter();

}  // namespace sluice::http_module
