#include "ngx_module/endpoint/attempt.h"

#include <algorithm>
#include <cstring>

#include "ngx_module/endpoint/address.h"
#include "ngx_module/tls/backend_context.h"

namespace sluice::endpoint {

namespace {

// A choice is repeated when the controller reused memory under a worker that was stopped meanwhile.
constexpr int kMaxRepeats = 4;

// What the next connection needs: found while the table could be read, used once it was sure that
// what was read is whole.
struct TlsChoice {
  tls::BackendContext* context = nullptr;  // null without `record`: plain
  std::string_view record;                 // a copy of one that this worker has not met
};

// `record`: a table::BackendTls in the table, or empty for plain. Fails (false): out of memory.
bool read_tls(const Wanted& wanted, std::string_view record, ngx_pool_t* pool, TlsChoice& choice) {
  choice = {};
  if (record.empty()) return true;
  choice.context = tls::BackendContext::find({record, wanted.protocol, wanted.client_certificate});
  if (choice.context != nullptr) return true;
  auto* const copy = static_cast<char*>(ngx_pnalloc(pool, record.size()));
  if (copy == nullptr) return false;
  std::memcpy(copy, record.data(), record.size());
  choice.record = {copy, record.size()};
  return true;
}

core::Reason settle_tls(const Wanted& wanted, const TlsChoice& choice, ngx_log_t* log,
                        Attempt& attempt) {
  tls::BackendContext* context = choice.context;
  if (!choice.record.empty()) {
    context =
        tls::BackendContext::make({choice.record, wanted.protocol, wanted.client_certificate}, log);
    if (context == nullptr) return core::Reason::kBackendTls;
  }
  if (context != nullptr) context->hold();
  release_tls(attempt);
  attempt.backend_tls = context;
  return core::Reason::kNone;
}

balance::CounterRef counter_of(const Attempt& attempt) {
  return {attempt.target.endpoint.counter, attempt.target.endpoint.counter_incarnation};
}

// Empty when the table went away or became another one, whose lines are other endpoints'.
std::span<std::byte> counters_of(const Attempt& attempt) {
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) return {};
  if (worker->table_serial() != attempt.counted_in) return {};
  return balance::counters_of(*worker->table(), counter_of(attempt));
}

}  // namespace

core::Reason choose(listen::Worker& worker, const Wanted& wanted, ngx_pool_t* pool,
                    Attempt& attempt, std::uint32_t& endpoints) {
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = worker.table()->enter();
    const balance::Chosen chosen = balance::choose_endpoint(
        *worker.table(), wanted.backend,
        {attempt.tried, ngx_current_msec, worker.random(), wanted.plain}, attempt.target);
    TlsChoice tls;
    const bool readable = read_tls(wanted, chosen.tls, pool, tls);
    if (!worker.table()->unmoved(snapshot)) continue;
    endpoints = chosen.endpoints;
    if (chosen.choice != balance::Choice::kChosen) return balance::reason_of(chosen.choice);
    attempt.address_bytes = to_address(attempt.target, attempt.address);
    return readable ? settle_tls(wanted, tls, pool->log, attempt) : core::Reason::kBackendGone;
  }
  return core::Reason::kBackendGone;
}

ngx_str_t* name_address(Attempt& attempt, ngx_pool_t* pool) {
  if (attempt.address_bytes == 0) return nullptr;
  auto* const name =
      static_cast<ngx_str_t*>(ngx_palloc(pool, sizeof(ngx_str_t) + NGX_SOCKADDR_STRLEN));
  if (name == nullptr) return nullptr;
  name->data = reinterpret_cast<u_char*>(name + 1);
  name->len = ngx_sock_ntop(reinterpret_cast<sockaddr*>(&attempt.address), attempt.address_bytes,
                            name->data, NGX_SOCKADDR_STRLEN, 1);
  attempt.endpoint = *name;
  return name;
}

ngx_uint_t remaining_tries(const Attempt& attempt, ngx_uint_t allowed, std::uint32_t endpoints) {
  const std::size_t most = std::min<std::size_t>(endpoints, balance::kMaxTries);
  return std::min<ngx_uint_t>(allowed, most - std::min(most, attempt.tried.size()));
}

bool has_left(listen::Worker& worker, table::SlotRef backend, const Attempt& attempt) {
  if (worker.table() == nullptr || worker.table_serial() != attempt.counted_in) return false;
  const arena::Snapshot snapshot = worker.table()->enter();
  const bool left = balance::has_left(*worker.table(), backend, attempt.target.endpoint);
  return left && worker.table()->unmoved(snapshot);
}

void start_counting(listen::Worker& worker, Attempt& attempt) {
  attempt.counted = worker.table()->count_started(attempt.target.endpoint.counter);
  attempt.counted_in = worker.table_serial();
}

void finish_counting(Attempt& attempt) {
  if (!attempt.counted) return;
  attempt.counted = false;
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) return;
  // In another table the line is somebody else's; the old one settled its counts itself.
  if (worker->table_serial() != attempt.counted_in) return;
  worker->table()->count_finished(attempt.target.endpoint.counter);
}

void note_failure(const Attempt& attempt) {
  balance::note_failure(counters_of(attempt), counter_of(attempt), ngx_current_msec);
}

void note_success(const Attempt& attempt) {
  balance::note_success(counters_of(attempt), counter_of(attempt));
}

void release_tls(Attempt& attempt) {
  if (attempt.backend_tls != nullptr) attempt.backend_tls->release();
  attempt.backend_tls = nullptr;
}

}  // namespace sluice::endpoint
