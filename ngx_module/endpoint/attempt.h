// One try to reach a backend: the endpoint that was chosen, its address, how its connection is
// secured, and its place in the counts that all workers share. Of requests and of relayed
// connections alike.
//
// Process: nginx worker.   Thread: event loop.   Lifetime: of the request or connection, whose next
// try uses it again. Allocates: the pool given.
// Tested by: test/e2e/test_endpoints.py, test/e2e/test_backend_tls.py
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/balance/failure_memory.h"
#include "ngx_module/core/plan.h"
#include "ngx_module/listen/nginx.h"
#include "ngx_module/listen/worker.h"
#include "shared/secret/blob.h"

namespace sluice::tls {
class BackendContext;
}

namespace sluice::endpoint {

struct Attempt {
  balance::Tried tried;              // by tries before
  balance::Target target;            // of the try under way
  tls::BackendContext* backend_tls;  // of its connection, held; null: plain
  sockaddr_storage address;
  socklen_t address_bytes;
  ngx_str_t endpoint;        // its text
  bool counted;              // in the shared active count
  std::uint64_t counted_in;  // Worker::table_serial()
};

static_assert(std::is_trivially_destructible_v<Attempt>);

// Whose endpoint is wanted, and how it is spoken to.
struct Wanted {
  table::SlotRef backend;
  table::BackendProtocol protocol = table::BackendProtocol::kHttp1;
  secret::BlobPlace client_certificate;  // what a backend behind TLS sees; a length of zero: none
  bool plain = false;                    // whatever the backend's policy says
};

// Chooses an endpoint and settles how its connection is secured. `endpoints`: how many there are.
// Fails: with the reason; then nothing was chosen.
core::Reason choose(listen::Worker& worker, const Wanted& wanted, ngx_pool_t* pool,
                    Attempt& attempt, std::uint32_t& endpoints);

// "address:port" or "unix:path", as nginx's records of the tries keep pointing at it. Null: out of
// memory, or no address.
ngx_str_t* name_address(Attempt& attempt, ngx_pool_t* pool);

// How many tries remain of `allowed`: never more than there are endpoints to try.
ngx_uint_t remaining_tries(const Attempt& attempt, ngx_uint_t allowed, std::uint32_t endpoints);

void start_counting(listen::Worker& worker, Attempt& attempt);
// Any number of times.
void finish_counting(Attempt& attempt);

// Whether the endpoint of the try is none of the backend's any more. False also when that cannot be
// told, as of a backend that has left the table itself.
bool has_left(listen::Worker& worker, table::SlotRef backend, const Attempt& attempt);

// What every worker shall know of the endpoint: that it could not be connected to, or that it
// could.
void note_failure(const Attempt& attempt);
void note_success(const Attempt& attempt);

// Any number of times.
void release_tls(Attempt& attempt);

}  // namespace sluice::endpoint
