#include "ngx_module/http/peer.h"

#include "ngx_module/endpoint/attempt.h"
#include "ngx_module/http/backend_tls.h"
#include "ngx_module/http/deadlines.h"
#include "ngx_module/http/keepalive.h"
#include "ngx_module/http/mirror.h"
#include "ngx_module/http/request_state.h"
#include "ngx_module/http/retry.h"
#include "ngx_module/listen/worker.h"

namespace sluice::http_module {

namespace {

constexpr ngx_uint_t kFailover = NGX_HTTP_UPSTREAM_FT_ERROR | NGX_HTTP_UPSTREAM_FT_TIMEOUT;
constexpr ngx_msec_t kAnyIdleMs = ~ngx_msec_t{0};
constexpr ngx_msec_t kSafeIdleMs = 1000;  // an endpoint closes what was idle for longer

// May be sent twice.
bool is_repeatable(const ngx_http_request_t* r) {
  constexpr ngx_uint_t kIdempotent = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS |
                                     NGX_HTTP_TRACE | NGX_HTTP_PUT | NGX_HTTP_DELETE;
  return (r->method & kIdempotent) != 0 && r->headers_in.content_length_n <= 0 &&
         !r->headers_in.chunked && r->headers_in.upgrade == nullptr;
}

// How often nginx may come back. A rule with retries counts them itself.
void bound_tries(RequestState& state, ngx_peer_connection_t* pc, std::uint32_t endpoints) {
  if (has_retry_rule(state)) {
    pc->tries = 2;
    return;
  }
  pc->tries = endpoint::remaining_tries(state, pc->tries, endpoints);
}

ConnectionKey connection_key(const RequestState& state) {
  return {reinterpret_cast<const sockaddr*>(&state.address), state.address_bytes,
          state.plan.protocol, tls_id(state)};
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
  auto& state = *static_cast<RequestState*>(data);
  ngx_http_request_t* const r = state.request;
  pc->cached = 0;
  pc->connection = nullptr;
  settle_log(state);
  const ngx_int_t pause = pause_before_try(state, pc);
  if (pause != NGX_DECLINED) return pause;
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table() == nullptr) {
    state.plan.reason = core::Reason::kNoTable;
    return NGX_BUSY;
  }
  std::uint32_t endpoints = 0;
  const endpoint::Wanted wanted{state.plan.slot, state.plan.protocol,
                                state.plan.client_certificate};
  state.plan.reason = endpoint::choose(*worker, wanted, r->pool, state, endpoints);
  if (state.plan.reason != core::Reason::kNone) return NGX_BUSY;
  ngx_str_t* const name = endpoint::name_address(state, r->pool);
  if (name == nullptr) return NGX_ERROR;
  endpoint::start_counting(*worker, state);
  bound_tries(state, pc, endpoints);
  state.tried.add(state.target);
  state.upstream_conf.next_upstream = state.configured_next_upstream & ~kFailover;
  state.upstream_conf.connect_timeout = state.configured_connect_timeout;
  apply_tls(state, *r->upstream);
  start_try_deadline(state);

  pc->sockaddr = reinterpret_cast<sockaddr*>(&state.address);
  pc->socklen = state.address_bytes;
  pc->name = name;
  if (state.fresh_only) return NGX_OK;
  pc->connection =
      take_kept(connection_key(state), is_repeatable(r) ? kAnyIdleMs : kSafeIdleMs, pc->log);
  if (pc->connection == nullptr) return NGX_OK;
  pc->cached = 1;
  return NGX_DONE;
}

// The endpoint closed a kept connection, perhaps before it saw the request.
bool kept_one_was_closed(const ngx_peer_connection_t* pc, const ngx_http_upstream_t* u) {
  const ngx_connection_t* const c = pc->connection;
  return pc->cached && c != nullptr && !c->read->timedout && !c->write->timedout &&
         u->state->bytes_received == 0;
}

bool timed_out(const ngx_peer_connection_t* pc) {
  const ngx_connection_t* const c = pc->connection;
  return c != nullptr && (c->read->timedout || c->write->timedout);
}

void on_failure(ngx_peer_connection_t* pc, RequestState& state) {
  const ngx_http_upstream_t* const u = state.request->upstream;
  const bool retry_rule = has_retry_rule(state);
  const ngx_uint_t failover = retry_rule ? 0 : state.configured_next_upstream & kFailover;
  if (state.tries.final || state.tries.pause_next) return;  // decided already
  if (kept_one_was_closed(pc, u)) {
    // Perhaps not the endpoint's failure: it may be tried again, on a connection of its own, but
    // one that ends closes its kept connections first. No retry.
    state.tried.doubt_last();
    state.fresh_only = true;
    if (!u->request_sent || is_repeatable(state.request)) {
      state.upstream_conf.next_upstream |= retry_rule ? kFailover : failover;
    }
    return;
  }
  if (u->request_sent) {
    if (timed_out(pc)) state.plan.reason = core::Reason::kBackendTimeout;
    return;
  }
  state.plan.reason = core::Reason::kConnectFailed;
  state.upstream_conf.next_upstream |= failover;
  endpoint::note_failure(state);
  if (retry_rule) retry_connection(state);
}

void on_success(ngx_peer_connection_t* pc, RequestState& state) {
  const ngx_http_upstream_t* const u = state.request->upstream;
  if (u->headers_in.status_n == 0) return;  // ended by the client, before the endpoint answered
  endpoint::note_success(state);
  if (pc->connection == nullptr || !u->keepalive || !u->request_body_sent) return;
  if (keep(pc->connection, connection_key(state))) pc->connection = nullptr;
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t outcome) {
  auto& state = *static_cast<RequestState*>(data);
  endpoint::finish_counting(state);
  stop_try_deadline(state);
  if (pc->tries > 0) --pc->tries;
  if ((outcome & NGX_PEER_FAILED) != 0) {
    on_failure(pc, state);
  } else {
    on_success(pc, state);
  }
}

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t*) {
  RequestState* const state = find_state(r);
  if (state == nullptr) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "sluice: only sluice_pass can use this upstream");
    return NGX_ERROR;
  }
  return_client_uri(*state);
  prepare_tries(*state);
  ngx_http_upstream_t* const u = r->upstream;
  u->peer.data = state;
  u->peer.get = get_peer;
  u->peer.free = free_peer;
  u->peer.tries = balance::kMaxTries;
  start_mirrors(r, *state);
  return NGX_OK;
}

}  // namespace

ngx_int_t init_upstream(ngx_conf_t*, ngx_http_upstream_srv_conf_t* upstream) {
  upstream->peer.init = init_peer;
  return NGX_OK;
}

}  // namespace sluice::http_module
