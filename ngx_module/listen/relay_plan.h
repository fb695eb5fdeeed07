// What the table says of a connection that is relayed: its rule and the backend that was drawn.
//
// The accept handler makes it, once, before the connection is handed to a template of stream {}; a
// connection that no rule serves is handed over too, with the reason, and is closed there: so it is
// logged like the others, and no byte is sent to the client. From then on until its pool ends it is
// counted for its route.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: the connection's pool, where it is found
// again. Tested by: test/e2e/test_tcp_routes.py, test/e2e/test_tls_routes.py
#pragma once

#include <string_view>

#include "ngx_module/core/plan.h"
#include "ngx_module/listen/connection_counts.h"
#include "ngx_module/listen/nginx.h"
#include "shared/table/editor.h"

namespace sluice::listen {

struct RelayPlan {
  core::Plan plan;
  table::ListenerMode mode = table::ListenerMode::kTcp;
  bool backend_proxy_protocol = false;  // what goes to the backend begins with a header of it
  RouteCount count;

  // The client speaks TLS with the backend itself.
  bool is_passed_through() const { return mode == table::ListenerMode::kTlsPassthrough; }

  // A listener for HTTP answers for that name.
  bool is_http() const { return mode == table::ListenerMode::kHttp; }

  // No rule serves it.
  bool has_no_route() const {
    return !is_http() &&
           (plan.reason == core::Reason::kNoListener || plan.reason == core::Reason::kNoRule);
  }
};

// `server_name`: of the ClientHello; "" for none and where there is no TLS. Null: out of memory. A
// plan that is_http() is no relay.
const RelayPlan* plan_relay(ngx_connection_t* c, const table::SocketKey& socket,
                            std::string_view server_name);

// Null: the connection is not relayed, or not by a run-time listener.
RelayPlan* find_relay_plan(const ngx_connection_t* c);

}  // namespace sluice::listen
