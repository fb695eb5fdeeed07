#include "ngx_module/relay/relay.h"

#include <new>
#include <type_traits>

#include "ngx_module/listen/worker.h"
#include "ngx_module/tls/backend_context.h"

namespace sluice::relay {

namespace {

static_assert(std::is_trivially_destructible_v<Relay>);

void on_pool_end(void* data) {
  forget_session(static_cast<Relay*>(data)->followed);
  endpoint::finish_counting(*static_cast<Relay*>(data));
  endpoint::release_tls(*static_cast<Relay*>(data));
}

// Whatever protocol of HTTP the Service names: none is negotiated for a client that has chosen.
endpoint::Wanted wanted_by(const listen::RelayPlan& relay) {
  return {.backend = relay.plan.slot,
          .protocol = table::BackendProtocol::kHttp1,
          .client_certificate = relay.plan.client_certificate,
          .plain = relay.is_passed_through()};
}

}  // namespace

Relay* open(ngx_connection_t* c) {
  listen::RelayPlan* const plan = listen::find_relay_plan(c);
  if (plan == nullptr) return nullptr;
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(c->pool, sizeof(Relay));
  if (cleanup == nullptr) return nullptr;
  auto* const relay = new (cleanup->data) Relay{};
  relay->plan = plan;
  relay->reason = plan->plan.reason;
  relay->pool = c->pool;
  cleanup->handler = on_pool_end;
  if (c->type == SOCK_DGRAM) follow_session(*relay, c);
  return relay;
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
  auto& relay = *static_cast<Relay*>(data);
  pc->cached = 0;
  pc->connection = nullptr;
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) {
    relay.reason = core::Reason::kNoTable;
    return NGX_BUSY;
  }
  std::uint32_t endpoints = 0;
  relay.reason = endpoint::choose(*worker, wanted_by(*relay.plan), relay.pool, relay, endpoints);
  if (relay.reason != core::Reason::kNone) return NGX_BUSY;
  ngx_str_t* const name = endpoint::name_address(relay, relay.pool);
  if (name == nullptr) return NGX_ERROR;
  endpoint::start_counting(*worker, relay);
  pc->tries = endpoint::remaining_tries(relay, pc->tries, endpoints);
  relay.tried.add(relay.target);
  pc->sockaddr = reinterpret_cast<sockaddr*>(&relay.address);
  pc->socklen = relay.address_bytes;
  pc->name = name;
  return NGX_OK;
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t outcome) {
  auto& relay = *static_cast<Relay*>(data);
  endpoint::finish_counting(relay);
  if (pc->tries > 0) --pc->tries;
  if ((outcome & NGX_PEER_FAILED) == 0) return;
  relay.reason = core::Reason::kConnectFailed;
  endpoint::note_failure(relay);
}

void on_connected(ngx_peer_connection_t*, void* data, ngx_uint_t) {
  auto& relay = *static_cast<Relay*>(data);
  endpoint::note_success(relay);
  relay.plan->count.relayed();
}

void count_bytes(const ngx_connection_t* c, std::uint64_t from_client, std::uint64_t to_client) {
  const listen::RelayPlan* const plan = listen::find_relay_plan(c);
  if (plan != nullptr) plan->count.add_bytes(from_client, to_client);
}

ngx_int_t set_session(ngx_peer_connection_t* pc, void* data) {
  tls::BackendContext* const context = static_cast<Relay*>(data)->backend_tls;
  if (context == nullptr || !context->begin_instead(pc->connection)) return NGX_ERROR;
  return context->offer_session(pc->connection);
}

void save_session(ngx_peer_connection_t* pc, void* data) {
  if (auto* const context = static_cast<Relay*>(data)->backend_tls) {
    context->save_session(pc->connection);
  }
}

}  // namespace sluice::relay
