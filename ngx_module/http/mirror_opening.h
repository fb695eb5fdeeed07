// What a copy of a request begins with, in the version of HTTP that its mirror speaks.
//
// It is made of the bytes that nginx wrote for the backend, so that it says what the backend was
// told, an operator's proxy_set_header included; where versions differ, by core/head_translation.h.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the pool given.
// Page: ngx_module/doc/request_lifecycle.md, "Mirrors"
// Tested by: test/e2e/test_filters_mirror*.py
#pragma once

#include <string_view>

#include "ngx_module/listen/nginx.h"
#include "shared/table/format.h"

namespace sluice::http_module {

// What the backend was sent.
struct SentRequest {
  table::BackendProtocol protocol;
  std::string_view head;
  ngx_chain_t* body;  // without framing
  std::size_t body_bytes;
};

struct MirrorProtocol {
  table::BackendProtocol protocol;
  bool https;
};

struct MirrorOpening {
  const ngx_chain_t* chain = nullptr;  // with the body of HTTP/1.1; null: see below
  bool ends_stream = false;            // of HTTP/2: no body follows
};

// Null: the head makes no sense, the mirror's version can't say it, or out of memory.
MirrorOpening open_mirror(const SentRequest& sent, const MirrorProtocol& mirror, ngx_pool_t* pool);

}  // namespace sluice::http_module
