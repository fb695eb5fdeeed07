// Hands a request to its backend, once or several times.
//
// The content handler calls start_tries(): it starts the limit of the whole request, reads a body
// first that a retry may have to send again, and calls nginx's proxy or grpc handler. From there on
// nginx's upstream machine asks peer.cc for an endpoint at each try; retry.cc stands in front of
// the stock callbacks and decides what follows an answer or a failure; deadlines.cc ends a try or
// the request in time.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: the request's state.
// Allocates: the request's pool; a connection while a request waits for its next try.
// Page: ngx_module/doc/request_lifecycle.md
// Tested by: test/e2e/test_timeouts.py, test_retries.py, test_h2c.py, test_grpc.py
#pragma once

#include <cstdint>

#include "ngx_module/core/plan.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

struct RequestState;

// A longer body is streamed, and its request is not tried again once bytes of it were sent. So is
// one whose length the client does not say.
inline constexpr off_t kMaxReplayedBody = off_t{1024} * 1024;

enum class TryPhase : std::uint8_t {
  kNone,
  kReadingBody,  // of the client; there is no upstream yet
  kTrying,
  kEnded,  // the last try's answer was passed on, or there is none
};

// A timer of a request. The event comes first: its handler finds the rest by its address.
struct RequestTimer {
  ngx_event_t event;
  RequestState* state;
};

struct TryState {
  TryPhase phase;
  bool grpc;    // a gRPC call, whatever the backend speaks
  bool final;   // a deadline passed: no further try
  bool parked;  // waits for the next try, on a connection that leads nowhere
  bool resumed;
  bool pause_next;
  std::uint32_t retries;         // as the rule counts them
  std::uint64_t retried_status;  // of the answer that is not passed on; 0: none
  ngx_http_handler_pt handler;   // of proxy_pass or grpc_pass

  // nginx's, while ours stand in front.
  ngx_int_t (*process_header)(ngx_http_request_t* r);
  ngx_int_t (*reinit_request)(ngx_http_request_t* r);
  void (*finalize_request)(ngx_http_request_t* r, ngx_int_t rc);

  RequestTimer request_deadline;
  RequestTimer try_deadline;
  RequestTimer pause;
};

// Whether this nginx can speak the backend's protocol at all.
core::Reason check_protocol(ngx_http_request_t* r, const core::Plan& plan);

// The rest of the content handler, for a plan without a reason.
ngx_int_t start_tries(ngx_http_request_t* r, RequestState& state);

// Where nginx's upstream machine begins: the request gets settings of its own, and our callbacks
// stand in front of nginx's.
void prepare_tries(RequestState& state);

// No timer runs and no parked try is logged any more. Any number of times.
void end_tries(RequestState& state);

}  // namespace sluice::http_module
