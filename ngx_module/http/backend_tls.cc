#include "ngx_module/http/backend_tls.h"

#include "ngx_module/core/h2_head.h"
#include "ngx_module/tls/backend_context.h"

namespace sluice::http_module {

namespace {

tls::BackendContext* context_of(void* data) {
  return static_cast<RequestState*>(data)->backend_tls;
}

ngx_int_t set_session(ngx_peer_connection_t* pc, void* data) {
  tls::BackendContext* const context = context_of(data);
  return context == nullptr ? NGX_OK : context->offer_session(pc->connection);
}

void save_session(ngx_peer_connection_t* pc, void* data) {
  if (tls::BackendContext* const context = context_of(data)) context->save_session(pc->connection);
}

}  // namespace

void apply_tls(RequestState& state, ngx_http_upstream_t& u) {
  u.peer.set_session = set_session;
  u.peer.save_session = save_session;
  if (state.backend_tls != nullptr) {
    state.backend_tls->apply(state.upstream_conf, u);
  } else {
    state.upstream_conf.ssl = nullptr;
    u.ssl = 0;
  }
  if (state.plan.protocol == table::BackendProtocol::kHttp2 && u.request_bufs != nullptr) {
    const ngx_buf_t& request = *u.request_bufs->buf;
    core::write_scheme({request.start, request.last}, u.ssl != 0);
  }
}

std::uint64_t tls_id(const RequestState& state) {
  return state.backend_tls == nullptr ? 0 : state.backend_tls->id();
}

}  // namespace sluice::http_module
