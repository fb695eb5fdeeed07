#include "ngx_module/listen/connection_counts.h"

#include <atomic>

#include "ngx_module/balance/failure_memory.h"
#include "ngx_module/listen/worker.h"
#include "shared/arena/layout.h"

namespace sluice::listen {

namespace {

void add(std::uint64_t& total, std::uint64_t amount) {
  std::atomic_ref<std::uint64_t>(total).fetch_add(amount, std::memory_order_relaxed);
}

// Null: none, or there is no table.
template <class Counter>
Counter* find(arena::CounterRef counter) {
  Worker* const worker = Worker::current();
  if (worker == nullptr || worker->table() == nullptr) return nullptr;
  return arena::find_counter<Counter>(balance::counters_of(*worker->table(), counter), counter);
}

// In another table the line is somebody else's.
bool is_current(std::uint64_t table_serial) {
  Worker* const worker = Worker::current();
  return worker != nullptr && worker->table() != nullptr && worker->table_serial() == table_serial;
}

std::uint64_t& total_of(arena::SocketCounter& line, SocketEvent event) {
  switch (event) {
    case SocketEvent::kTooSlow:
      return line.too_slow;
    case SocketEvent::kMalformed:
      return line.malformed;
    case SocketEvent::kNoRoute:
      return line.no_route;
    case SocketEvent::kAccepted:
      break;
  }
  return line.accepted;
}

}  // namespace

void count(const table::Group& group, SocketEvent event) {
  auto* const line = find<arena::SocketCounter>({group.counter, group.counter_incarnation});
  if (line != nullptr) add(total_of(*line, event), 1);
}

void RouteCount::begin(arena::CounterRef counter) {
  if (find<arena::RouteCounter>(counter) == nullptr) return;
  Worker& worker = *Worker::current();
  counter_ = counter;
  counted_in_ = worker.table_serial();
  active_ = worker.table()->count_started(counter.line);
}

void RouteCount::relayed() {
  if (relayed_ || !is_current(counted_in_)) return;
  relayed_ = true;
  if (auto* const line = find<arena::RouteCounter>(counter_)) add(line->relayed, 1);
}

void RouteCount::add_bytes(std::uint64_t from_clients, std::uint64_t to_clients) const {
  if (!is_current(counted_in_)) return;
  auto* const line = find<arena::RouteCounter>(counter_);
  if (line == nullptr) return;
  add(line->from_clients, from_clients);
  add(line->to_clients, to_clients);
}

void RouteCount::end() {
  if (!is_current(counted_in_)) return;
  if (active_) Worker::current()->table()->count_finished(counter_.line);
  auto* const line = relayed_ ? nullptr : find<arena::RouteCounter>(counter_);
  if (line != nullptr) add(line->refused, 1);
}

}  // namespace sluice::listen
