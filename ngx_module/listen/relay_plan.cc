#include "ngx_module/listen/relay_plan.h"

#include <new>
#include <type_traits>

#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/listen/pool_memory.h"
#include "ngx_module/listen/worker.h"
#include "shared/match/matcher.h"

namespace sluice::listen {

namespace {

static_assert(std::is_trivially_destructible_v<RelayPlan>);

constexpr int kMaxRepeats = 4;  // when memory was reused under a worker that was stopped meanwhile

// Says, too, which record of the pool's cleanup list is a plan.
void on_pool_end(void* plan) {
  static_cast<RelayPlan*>(plan)->count.end();
}

RelayPlan* make_plan_in(ngx_pool_t* pool) {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(pool, sizeof(RelayPlan));
  if (cleanup == nullptr) return nullptr;
  cleanup->handler = on_pool_end;
  return new (cleanup->data) RelayPlan{};
}

// `counter`: of the route. Fails (false): out of memory.
bool look_up(Worker& worker, const match::GroupKey& group, std::string_view server_name,
             core::Memory& memory, RelayPlan& relay, arena::CounterRef& counter) {
  const std::uint32_t draw = worker.random().draw();
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = worker.table()->enter();
    const table::Reader reader(snapshot);
    if (reader.empty()) break;
    const match::Match match =
        match::find_relay_rule(reader, group, server_name, worker.lookup(), nullptr);
    if (!core::make_plan(reader, match, draw, memory, relay.plan)) return false;
    counter = {match.action.counter, match.action.counter_incarnation};
    if (match.outcome == match::Outcome::kMatched || match.outcome == match::Outcome::kNoRule) {
      relay.mode = match.listener.mode;
      relay.backend_proxy_protocol = match.listener.backend_proxy_protocol != 0;
    }
    if (worker.table()->unmoved(snapshot)) return true;
  }
  relay = RelayPlan{};
  counter = {};
  return true;
}

}  // namespace

const RelayPlan* plan_relay(ngx_connection_t* c, const table::SocketKey& socket,
                            std::string_view server_name) {
  RelayPlan* const relay = make_plan_in(c->pool);
  if (relay == nullptr) return nullptr;
  Worker* const worker = Worker::current();
  if (worker == nullptr || worker->table_for_request() == nullptr) return relay;
  match::GroupKey group;
  group.socket = socket;
  PoolMemory memory(c->pool);
  arena::CounterRef counter;
  if (!look_up(*worker, group, server_name, memory, *relay, counter)) return nullptr;
  relay->count.begin(counter);
  if (relay->plan.reason == core::Reason::kNone) {
    // Known now, a client behind TLS is refused before the handshake.
    relay->plan.reason = balance::reason_of(
        balance::check_backend(*worker->table(), relay->plan.slot, relay->is_passed_through()));
  }
  return relay;
}

RelayPlan* find_relay_plan(const ngx_connection_t* c) {
  for (const ngx_pool_cleanup_t* cleanup = c->pool->cleanup; cleanup != nullptr;
       cleanup = cleanup->next) {
    if (cleanup->handler == on_pool_end) return static_cast<RelayPlan*>(cleanup->data);
  }
  return nullptr;
}

}  // namespace sluice::listen
