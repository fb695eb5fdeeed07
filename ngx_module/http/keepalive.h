// Connections to endpoints that wait for their next request, per worker, keyed by address and by
// what is spoken on them.
//
// The newest is taken first. A connection that its endpoint closes, that waited for kIdleMs or that
// is the oldest of too many is closed. Built as nginx's own keepalive module is, but keyed by
// endpoint instead of by upstream block, so that it outlives every change of routes.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the connection's own pool, once.
// Tested by: test/e2e/test_h2c.py, test_protocols.py
#pragma once

#include "ngx_module/listen/nginx.h"
#include "shared/table/format.h"

namespace sluice::http_module {

// All that two requests must have in common to share a connection: whatever else distinguishes
// connections belongs here and into equal() and bucket_of().
struct ConnectionKey {
  const sockaddr* address;
  socklen_t bytes;
  table::BackendProtocol protocol;
  std::uint64_t tls;  // tls::BackendContext::id(); 0: plain
};

// A connection that waited for at most `max_idle_ms`, ready to be used, or null.
ngx_connection_t* take_kept(const ConnectionKey& key, ngx_msec_t max_idle_ms, ngx_log_t* log);

// Takes over `c`, which has finished a request without trouble. Fails (false) when it must not be
// kept; then it is still the caller's.
bool keep(ngx_connection_t* c, const ConnectionKey& key);

}  // namespace sluice::http_module
