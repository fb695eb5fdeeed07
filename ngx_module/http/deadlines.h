// The limits of a rule: how long the whole request may take, and how long each try.
//
// The request's runs from its first byte until the answer's last one, but never cuts what was
// upgraded. A try's runs from the choice of its endpoint to the last byte of its answer. While no
// answer has begun the client is told 504 (of a try: where nothing was sent yet, the next endpoint
// is asked instead, if the rule allows that); an answer that has begun is cut.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.
// Spec: gateway-api v1 HTTPRouteTimeouts.   Tested by: test/e2e/test_timeouts.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

struct RequestState;
struct RequestTimer;

void start_request_deadline(RequestState& state);
void start_try_deadline(RequestState& state);
void stop_try_deadline(RequestState& state);
void stop_deadlines(RequestState& state);

// A limit of the rule replaces nginx's limits of silence, which are too short for a backend that
// works for long; so does a gRPC stream.
void relax_silence_limits(const RequestState& state, ngx_http_upstream_conf_t& conf);

// Milliseconds since the first byte of the request.
ngx_msec_t age_of(const ngx_http_request_t* r);

void start_timer(RequestTimer& timer, RequestState& state, ngx_event_handler_pt handler,
                 ngx_msec_t milliseconds);
void stop_timer(RequestTimer& timer);

// In a timer's handler: what belongs to the event.
RequestState& state_of(ngx_event_t* event);

}  // namespace sluice::http_module
