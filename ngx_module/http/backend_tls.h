// How the connections of a request to its backend are secured.
//
// A try's connection follows the policy that came with its endpoint, out of one list of endpoints.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool, when the policy is
// new to this worker. Tested by: test/e2e/test_backend_tls.py
#pragma once

#include <string_view>

#include "ngx_module/http/request_state.h"

namespace sluice::http_module {

// What the next connection needs: found while the table could be read, used once it was sure that
// what was read is whole.
struct TlsChoice {
  tls::BackendContext* context = nullptr;  // null without `record`: plain
  std::string_view record;                 // a copy of one that this worker has not met
};

// `record`: a table::BackendTls in the table, or empty for plain. Fails (false): out of memory.
bool read_tls(ngx_http_request_t* r, const core::Plan& plan, std::string_view record,
              TlsChoice& choice);

// Settles it for the next try. kBackendTls: no connection may be made.
core::Reason choose_tls(RequestState& state, const TlsChoice& choice);

// Tells nginx's upstream machine, before it connects.
void apply_tls(RequestState& state, ngx_http_upstream_t& u);

// 0: plain.
std::uint64_t tls_id(const RequestState& state);

// Any number of times.
void release_tls(RequestState& state);

}  // namespace sluice::http_module
