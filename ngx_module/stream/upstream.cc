// The upstream of the templates: each session's endpoints come through the Door.
//
// nginx's proxy takes whether it speaks TLS with the backend from the server's configuration. What
// a backend wants is known only with its endpoint, so a session changes the server: to the template
// "tls-backend", which is never listened on, and back.
// Tested by: test/e2e/test_tcp_routes.py, test/e2e/test_tls_routes.py,
// test/e2e/test_stream_proxy_protocol.py
#include "ngx_module/balance/endpoint_choice.h"
#include "ngx_module/stream/backend_header.h"
#include "ngx_module/stream/conf.h"
#include "ngx_module/stream/templates.h"

namespace sluice::stream_module {

namespace {

// Null: nginx.conf has no such template.
void** tls_server_conf(ngx_stream_session_t* s) {
  const ngx_listening_t* const found =
      door_of(s).find_template(const_cast<const ngx_cycle_t*>(ngx_cycle), "tls-backend");
  return found == nullptr ? nullptr : server_conf(*found);
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) {
  const auto& relay = *static_cast<const relay::Relay*>(data);
  auto* const s = static_cast<ngx_stream_session_t*>(relay.session);
  const auto& session =
      *static_cast<const Session*>(ngx_stream_get_module_ctx(s, ngx_stream_sluice_module));
  const ngx_int_t rc = door_of(s).get_peer(pc, data);
  if (rc != NGX_OK) return rc;
  // For this try: nginx has set what the template says, which stays where it asks for one.
  if (relay.plan->backend_proxy_protocol && s->upstream->proxy_protocol == 0) {
    s->upstream->proxy_protocol = 1;
  }
  s->srv_conf = relay.backend_tls == nullptr ? session.own_conf : tls_server_conf(s);
  if (s->srv_conf != nullptr) return NGX_OK;
  s->srv_conf = session.own_conf;
  ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                "sluice: nginx.conf has no listen unix:sluice-tls-backend: render "
                "sluice-streams.conf again");
  return NGX_ERROR;
}

Session* open_session(ngx_stream_session_t* s) {
  auto* const session = static_cast<Session*>(ngx_pcalloc(s->connection->pool, sizeof(Session)));
  relay::Relay* const relay = door_of(s).open(s->connection);
  if (session == nullptr || relay == nullptr) return nullptr;
  relay->session = s;
  session->relay = relay;
  session->own_conf = s->srv_conf;
  ngx_stream_set_ctx(s, session, ngx_stream_sluice_module);
  return session;
}

ngx_int_t init_peer(ngx_stream_session_t* s, ngx_stream_upstream_srv_conf_t*) {
  const Session* const session = open_session(s);
  if (session == nullptr) {
    ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                  "sluice: only a listener of a Gateway can use this upstream");
    return NGX_ERROR;
  }
  if (session->relay->reason != core::Reason::kNone) {
    const ngx_str_t reason = ngx::str(core::reason_name(session->relay->reason));
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0, "sluice: not relayed: %V", &reason);
    return NGX_ERROR;
  }
  if (session->relay->plan->backend_proxy_protocol && !use_one_family(s->connection)) {
    return NGX_ERROR;
  }
  const relay::Door& door = door_of(s);
  ngx_peer_connection_t& peer = s->upstream->peer;
  peer.data = session->relay;
  peer.get = get_peer;
  peer.free = door.free_peer;
  peer.notify = door.on_connected;
  peer.set_session = door.set_session;
  peer.save_session = door.save_session;
  peer.tries = balance::kMaxTries;
  return NGX_OK;
}

ngx_int_t init_upstream(ngx_conf_t*, ngx_stream_upstream_srv_conf_t* upstream) {
  upstream->peer.init = init_peer;
  return NGX_OK;
}

}  // namespace

char* set_endpoints(ngx_conf_t* cf, ngx_command_t*, void*) {
  auto* const upstream = static_cast<ngx_stream_upstream_srv_conf_t*>(
      ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_upstream_module));
  if (upstream->peer.init_upstream != nullptr) return const_cast<char*>("is duplicate");
  // nginx wants to hear of a server; this one is never looked at.
  auto* const server =
      static_cast<ngx_stream_upstream_server_t*>(ngx_array_push(upstream->servers));
  if (server == nullptr) return static_cast<char*>(NGX_CONF_ERROR);
  *server = {};
  server->name = ngx::str("sluice");
  server->down = 1;
  upstream->peer.init_upstream = init_upstream;
  return NGX_CONF_OK;
}

}  // namespace sluice::stream_module
