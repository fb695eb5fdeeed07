#include "ngx_module/http/deadlines.h"

#include <algorithm>
#include <cstddef>

#include "ngx_module/http/request_state.h"

namespace sluice::http_module {

namespace {

constexpr ngx_msec_t kLongSilenceMs = ngx_msec_t{60} * 60 * 1000;

bool is_limit(std::uint32_t milliseconds) {
  return milliseconds != 0 && milliseconds != table::kNoDeadline;
}

// nginx's own way out of every state of a try: connecting, a handshake, sending, waiting, reading.
void time_out(ngx_connection_t& connection) {
  connection.read->delayed = 0;
  connection.write->delayed = 0;
  connection.read->timedout = 1;
  connection.write->timedout = 1;
  connection.read->handler(connection.read);
}

void ignore_body(ngx_http_request_t*) {}

// While the client's body is still being read. What arrives after the answer must not go on with
// the request.
void answer_without_body(ngx_http_request_t* r) {
  if (r->header_sent || r->err_status != 0) return;  // it is being answered already
  r->keepalive = 0;
  r->lingering_close = 1;
  r->read_event_handler = ngx_http_block_reading;
  if (r->request_body != nullptr) r->request_body->post_handler = ignore_body;
#if (NGX_HTTP_V2)
  if (r->stream != nullptr) r->stream->skip_data = 1;
#endif
  ngx_http_finalize_request(r, NGX_HTTP_GATEWAY_TIME_OUT);
}

void on_request_deadline(ngx_event_t* event) {
  RequestState& state = state_of(event);
  ngx_http_request_t* const r = state.request;
  ngx_connection_t* const c = r->connection;
  ngx_http_set_log_request(c->log, r);
  ngx_log_error(NGX_LOG_INFO, c->log, 0, "sluice: the request took longer than its route allows");
  state.tries.final = true;
  if (state.tries.phase == TryPhase::kReadingBody) {
    state.plan.reason = core::Reason::kRequestTimeout;
    answer_without_body(r);
  } else if (state.tries.phase == TryPhase::kTrying && r->upstream->peer.connection != nullptr) {
    state.plan.reason = core::Reason::kRequestTimeout;
    state.upstream_conf.next_upstream = 0;
    time_out(*r->upstream->peer.connection);
  }
  ngx_http_run_posted_requests(c);
}

void on_try_deadline(ngx_event_t* event) {
  RequestState& state = state_of(event);
  ngx_http_request_t* const r = state.request;
  ngx_connection_t* const c = r->connection;
  ngx_http_set_log_request(c->log, r);
  ngx_log_error(NGX_LOG_INFO, c->log, 0, "sluice: the backend took longer than its route allows");
  if (state.tries.phase == TryPhase::kTrying && r->upstream->peer.connection != nullptr) {
    if (r->upstream->request_sent) state.plan.reason = core::Reason::kBackendTimeout;
    time_out(*r->upstream->peer.connection);
  }
  ngx_http_run_posted_requests(c);
}

}  // namespace

// The clock on the wall may jump backwards.
ngx_msec_t age_of(const ngx_http_request_t* r) {
  const ngx_time_t* const now = ngx_timeofday();
  const auto milliseconds = static_cast<ngx_msec_int_t>(now->sec - r->start_sec) * 1000 +
                            static_cast<ngx_msec_int_t>(now->msec) -
                            static_cast<ngx_msec_int_t>(r->start_msec);
  return static_cast<ngx_msec_t>(std::max<ngx_msec_int_t>(milliseconds, 0));
}

RequestState& state_of(ngx_event_t* event) {
  static_assert(offsetof(RequestTimer, event) == 0);
  return *reinterpret_cast<RequestTimer*>(event)->state;
}

void start_timer(RequestTimer& timer, RequestState& state, ngx_event_handler_pt handler,
                 ngx_msec_t milliseconds) {
  stop_timer(timer);
  timer.state = &state;
  timer.event.handler = handler;
  timer.event.data = state.request->connection;  // nginx's debug log looks at its descriptor
  timer.event.log = state.request->connection->log;
  ngx_add_timer(&timer.event, milliseconds);
}

void stop_timer(RequestTimer& timer) {
  if (timer.event.timer_set) ngx_del_timer(&timer.event);
}

void start_request_deadline(RequestState& state) {
  const std::uint32_t limit = state.plan.request_timeout_ms;
  if (!is_limit(limit)) return;
  const ngx_msec_t age = age_of(state.request);
  start_timer(state.tries.request_deadline, state, on_request_deadline,
              limit - std::min<ngx_msec_t>(limit, age));
}

void start_try_deadline(RequestState& state) {
  const std::uint32_t limit = state.plan.backend_request_timeout_ms;
  if (is_limit(limit)) start_timer(state.tries.try_deadline, state, on_try_deadline, limit);
}

void stop_try_deadline(RequestState& state) {
  stop_timer(state.tries.try_deadline);
}

void stop_deadlines(RequestState& state) {
  stop_timer(state.tries.try_deadline);
  stop_timer(state.tries.request_deadline);
}

void relax_silence_limits(const RequestState& state, ngx_http_upstream_conf_t& conf) {
  const core::Plan& plan = state.plan;
  ngx_msec_t least = state.tries.grpc ? kLongSilenceMs : 0;
  for (const std::uint32_t limit : {plan.request_timeout_ms, plan.backend_request_timeout_ms}) {
    if (limit == 0) continue;
    least = std::max(least, kLongSilenceMs);
    if (is_limit(limit)) least = std::max<ngx_msec_t>(least, limit);
  }
  conf.read_timeout = std::max(conf.read_timeout, least);
  conf.send_timeout = std::max(conf.send_timeout, least);
}

}  // namespace sluice::http_module
