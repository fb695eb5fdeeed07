// A connection on its way to a backend, byte for byte: nginx's stream proxy asks here for an
// endpoint at each try, as its upstream's peer.
//
// A connect failure, or a handshake with the backend that fails, goes on with another endpoint of
// the same backend; a connection that stands stays with its endpoint until one side ends it. What
// the client's own TLS goes through is connected to in plain; everything else as the backend's
// BackendTLSPolicy says.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: the client connection's pool, whose end
// gives back what was counted. Tested by: test/e2e/test_tcp_routes.py, test/e2e/test_tls_routes.py
#pragma once

#include "ngx_module/endpoint/attempt.h"
#include "ngx_module/listen/nginx.h"
#include "ngx_module/listen/relay_plan.h"
#include "ngx_module/relay/departure.h"

namespace sluice::relay {

struct Relay : endpoint::Attempt {
  listen::RelayPlan* plan;
  core::Reason reason;  // why it is not relayed; kNone: it is
  ngx_pool_t* pool;
  void* session;             // the stream module's
  FollowedSession followed;  // of UDP
};

// For a connection with a plan. Null: without one, or out of memory.
Relay* open(ngx_connection_t* c);

// The callbacks of the peer, whose data is the Relay.
ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data);
void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t outcome);
void on_connected(ngx_peer_connection_t* pc, void* data, ngx_uint_t what);
// What went through the connection, at its end.
void count_bytes(const ngx_connection_t* c, std::uint64_t from_client, std::uint64_t to_client);
// Puts the backend's own context in place of the template's, before the handshake.
ngx_int_t set_session(ngx_peer_connection_t* pc, void* data);
void save_session(ngx_peer_connection_t* pc, void* data);

}  // namespace sluice::relay
