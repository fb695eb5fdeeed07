// Edits of request header fields, and the fields that a request had before.
//
// nginx forwards its list of fields, where a field can't be marked as deleted, and keeps pointers
// to the well-known ones: the list is built anew and the pointers of edited names are set again.
// Fields of the connection are not edited (shared/http/field.h), fields of Sluice's own are edited
// where they come from (own_headers.h).
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Tested by: test/e2e/test_filters_headers.py
#pragma once

#include <string_view>

#include "ngx_module/http/request_state.h"
#include "shared/table/filter_reader.h"

namespace sluice::http_module {

enum class EditResult : std::uint8_t { kDone, kBroken, kOutOfMemory };

// Applies every RequestHeaderModifier of both lists of the plan.
EditResult edit_request_headers(ngx_http_request_t* r, RequestState& state);

// Sets what stands in Host, as a filter wrote it.
void forward_host(RequestState& state, std::string_view host);

// Gives the request the fields back that its client sent, when filters edited them before (an
// internal redirect of the operator comes here twice).
void restore_request_headers(ngx_http_request_t* r, RequestState& state);

}  // namespace sluice::http_module
