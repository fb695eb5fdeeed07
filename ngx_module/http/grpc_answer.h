// Answers of nginx and of this module to gRPC calls: HTTP 200 with grpc-status and grpc-message and
// no body, which is how gRPC clients are told what went wrong.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Spec: gRPC over HTTP2, "Trailers-Only".   Tested by: test/e2e/test_grpc.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

struct RequestState;

// By what the client says that its body is.
bool is_grpc_call(const ngx_http_request_t* r);

// From the header filter. Nothing happens to an answer of a backend, to one below 400, and to other
// requests. Fails (NGX_ERROR): out of memory.
ngx_int_t answer_as_grpc(ngx_http_request_t* r, const RequestState& state);

}  // namespace sluice::http_module
