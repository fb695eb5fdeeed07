// What follows a failed try, by the rule's `retry`; without one, by the failover of peer.cc.
//
// Retried: an answer with a listed status, whatever the method; a connection that could not be set
// up; an HTTP/2 stream that the backend refused unprocessed. Not retried, because the backend may
// have done what it was asked: a connection lost after the request was sent, a try that took too
// long. Before each retry the request waits (core/backoff.h). When no retry is left the client gets
// the last answer.
//
// Process: nginx worker.   Thread: event loop.   Spec: gateway-api v1 HTTPRouteRetry
// Tested by: test/e2e/test_retries.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

struct RequestState;

// Whether the rule has retries of its own; then the operator's proxy_next_upstream is not asked.
bool has_retry_rule(const RequestState& state);

// Puts our callbacks in front of the stock ones of r->upstream. They also leave out interim answers
// (100, 103) of backends, which nginx would take for the answer.
void watch_answers(RequestState& state);

// From peer.free, after a connection could not be set up. True: the rule gives it another try,
// which is counted, and nginx's mask says so.
bool retry_connection(RequestState& state);

// From peer.get. Corrects what nginx noted about the try before this one.
void settle_log(RequestState& state);

// From peer.get: whether the request has to wait first. Then `pc` has a connection that leads
// nowhere, and nginx waits for it until the pause is over. Fails (NGX_ERROR): no connection is
// free. NGX_AGAIN: waits; NGX_DECLINED: need not wait.
ngx_int_t pause_before_try(RequestState& state, ngx_peer_connection_t* pc);

}  // namespace sluice::http_module
