// Ends UDP sessions whose endpoint has left its backend, so that their clients get another one.
// Nobody else would: a TCP connection to what is gone breaks, datagrams just disappear, and a
// client that goes on sending keeps its session.
//
// All sessions of the worker are looked at every kLookMs; one ends at the second look in a row that
// finds its endpoint gone. A backend that no route has any more tells nothing about its endpoints.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.   Cost of a look: sessions
// times endpoints of their backend. Tested by: test/e2e/test_udp_routes.py
#pragma once

#include "ngx_module/listen/nginx.h"

namespace sluice::relay {

inline constexpr ngx_msec_t kLookMs = 2000;

struct Relay;

// In its relay.
struct FollowedSession {
  ngx_queue_t link;
  Relay* relay;
  ngx_connection_t* client;
  bool departed;  // its endpoint, at the last look
};

// From now on until forget_session(), which has to come before the relay's end.
void follow_session(Relay& relay, ngx_connection_t* client);
// Any number of times.
void forget_session(FollowedSession& session);

}  // namespace sluice::relay
