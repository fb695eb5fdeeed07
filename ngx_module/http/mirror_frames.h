// The body of a copied request in frames of HTTP/2.
// Process: nginx worker.   Thread: event loop.   Allocates: the pool given.
#pragma once

#include "ngx_module/core/h2_exchange.h"
#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

// What of the body is not framed yet: its buffers are only read.
struct MirrorBody {
  const ngx_chain_t* link;
  std::size_t offset;  // in its buffer
};

// Sets `out` to what may be sent now, replies first; null: nothing. Fails (false): out of memory.
bool queue_frames(core::H2Exchange& exchange, MirrorBody& body, ngx_pool_t* pool,
                  ngx_chain_t*& out);

}  // namespace sluice::http_module
