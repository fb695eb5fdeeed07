#include "ngx_module/http/tries.h"

#include "ngx_module/http/conf.h"
#include "ngx_module/http/deadlines.h"
#include "ngx_module/http/grpc_answer.h"
#include "ngx_module/http/own_headers.h"
#include "ngx_module/http/request_state.h"
#include "ngx_module/http/retry.h"

namespace sluice::http_module {

namespace {

// The grpc module copies :authority when its handler is called, and from its configuration only.
void set_authority(ngx_http_request_t* r) {
  const GrpcMembers& members = main_conf(r).grpc;
  char* const conf = static_cast<char*>(r->loc_conf[members.ctx_index]);
  *reinterpret_cast<ngx_str_t*>(conf + members.host) =
      ngx::str(own_header_value(r, OwnHeader::kHost));
}

ngx_int_t hand_over(ngx_http_request_t* r, RequestState& state) {
  if (state.plan.protocol == table::BackendProtocol::kHttp2) set_authority(r);
  return state.tries.handler(r);
}

void on_body(ngx_http_request_t* r) {
  ngx_http_finalize_request(r, hand_over(r, *find_state(r)));
}

// Whether an answer may have to be followed by the same request with its body once more. A stream
// of gRPC does not end before it is answered.
bool must_keep_body(const ngx_http_request_t* r, const RequestState& state) {
  if (!state.plan.retry || state.plan.retry->attempts == 0 || state.tries.grpc) return false;
  return r->headers_in.content_length_n > 0 && r->headers_in.content_length_n <= kMaxReplayedBody;
}

// What the location says in proxy_... holds whatever the backend speaks. A location of the proxy
// module begins with these settings, as one of every module that has them does.
void adopt_proxy_settings(ngx_http_request_t* r, ngx_http_upstream_conf_t& conf) {
  const auto& proxy =
      *static_cast<const ngx_http_upstream_conf_t*>(r->loc_conf[main_conf(r).proxy_ctx_index]);
  conf.connect_timeout = proxy.connect_timeout;
  conf.send_timeout = proxy.send_timeout;
  conf.read_timeout = proxy.read_timeout;
  conf.next_upstream = proxy.next_upstream;
  conf.next_upstream_tries = proxy.next_upstream_tries;
  conf.next_upstream_timeout = proxy.next_upstream_timeout;
  conf.buffer_size = proxy.buffer_size;
  conf.hide_headers_hash = proxy.hide_headers_hash;
  conf.ignore_headers = proxy.ignore_headers;
  conf.intercept_errors = proxy.intercept_errors;
}

void finalize_request(ngx_http_request_t* r, ngx_int_t result) {
  RequestState& state = *find_state(r);
  state.tries.phase = TryPhase::kEnded;
  end_tries(state);
  state.tries.finalize_request(r, result);
}

}  // namespace

core::Reason check_protocol(ngx_http_request_t* r, const core::Plan& plan) {
  const bool known =
      plan.protocol != table::BackendProtocol::kHttp2 || location_conf(r).grpc != nullptr;
  return known ? core::Reason::kNone : core::Reason::kNoHttp2;
}

ngx_int_t start_tries(ngx_http_request_t* r, RequestState& state) {
  end_tries(state);  // of another location, before an internal redirect
  state.tries = TryState{};
  state.tried = balance::Tried{};
  state.fresh_only = false;
  const LocationConf& location = location_conf(r);
  TryState& tries = state.tries;
  tries.handler =
      state.plan.protocol == table::BackendProtocol::kHttp2 ? location.grpc : location.proxy;
  tries.grpc = is_grpc_call(r);
  if (tries.grpc) r->loc_conf = location.patient;
  tries.phase = TryPhase::kReadingBody;
  start_request_deadline(state);
  if (!must_keep_body(r, state)) return hand_over(r, state);
  const ngx_int_t result = ngx_http_read_client_request_body(r, on_body);
  return result >= NGX_HTTP_SPECIAL_RESPONSE ? result : NGX_DONE;
}

void prepare_tries(RequestState& state) {
  ngx_http_request_t* const r = state.request;
  ngx_http_upstream_t& u = *r->upstream;
  ngx_http_upstream_conf_t& conf = state.upstream_conf;
  conf = *u.conf;
  u.conf = &conf;
  if (state.plan.protocol == table::BackendProtocol::kHttp2) adopt_proxy_settings(r, conf);
  relax_silence_limits(state, conf);
  if (has_retry_rule(state)) {
    conf.next_upstream = 0;
    conf.next_upstream_tries = 0;
    conf.next_upstream_timeout = 0;
  }
  state.configured_next_upstream = conf.next_upstream;
  state.configured_connect_timeout = conf.connect_timeout;
  state.tries.phase = TryPhase::kTrying;
  state.tries.finalize_request = u.finalize_request;
  u.finalize_request = finalize_request;
  watch_answers(state);
}

void end_tries(RequestState& state) {
  stop_deadlines(state);
  stop_timer(state.tries.pause);
  const ngx_http_request_t* const r = state.request;
  if (state.tries.parked && r->upstream_states != nullptr && r->upstream_states->nelts > 0) {
    --r->upstream_states->nelts;
  }
  state.tries.parked = false;
}

}  // namespace sluice::http_module
