// Where the copy of a request goes, and how it is reached.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the pool given; a new context of TLS.
#pragma once

#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/listen/nginx.h"
#include "shared/secret/blob.h"
#include "shared/table/endpoints.h"
#include "shared/table/format.h"

namespace sluice::tls {
class BackendContext;
}

namespace sluice::http_module {

struct MirrorChoice {
  const char* obstacle = nullptr;  // why there is none; null: there is
  balance::Target target;
  tls::BackendContext* tls = nullptr;  // null: plain
};

// How a mirror of the request's Gateway is spoken to.
struct MirrorTerms {
  table::BackendProtocol protocol;
  secret::BlobPlace client_certificate;  // a length of zero: none
};

MirrorChoice choose_mirror(table::SlotRef backend, const MirrorTerms& terms, ngx_pool_t* pool);

}  // namespace sluice::http_module
