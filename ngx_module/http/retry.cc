#include "ngx_module/http/retry.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "ngx_module/core/backoff.h"
#include "ngx_module/core/h2_frame.h"
#include "ngx_module/core/h2_head.h"
#include "ngx_module/http/conf.h"
#include "ngx_module/http/deadlines.h"
#include "ngx_module/http/request_state.h"
#include "ngx_module/listen/worker.h"

namespace sluice::http_module {

namespace {

constexpr ngx_uint_t kConnecting = NGX_HTTP_UPSTREAM_FT_ERROR | NGX_HTTP_UPSTREAM_FT_TIMEOUT;
constexpr ngx_uint_t kAnswer =
    NGX_HTTP_UPSTREAM_FT_INVALID_HEADER | NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;
constexpr ngx_msec_t kForeverMs = 0x7fffffff;

bool speaks_http2(const RequestState& state) {
  return state.plan.protocol == table::BackendProtocol::kHttp2;
}

// Counts a retry and lets nginx's machine go on after a failure of these kinds.
bool take_retry(RequestState& state, ngx_uint_t failures) {
  TryState& tries = state.tries;
  const std::optional<table::Retry>& rule = state.plan.retry;
  if (!rule || tries.final || tries.retries >= rule->attempts) return false;
  ++tries.retries;
  tries.pause_next = true;
  state.upstream_conf.next_upstream = failures;
  return true;
}

// nginx sends nothing again that it did not keep.
bool can_send_again(const ngx_http_request_t* r) {
  return !r->request_body_no_buffering;
}

// Whether the last frame that the grpc module read was RST_STREAM with REFUSED_STREAM: the backend
// did nothing with the request.
bool was_refused(const ngx_buf_t& buffer) {
  constexpr std::ptrdiff_t kBytes = core::kH2FrameHead + 4;
  if (buffer.pos - buffer.start < kBytes) return false;
  const u_char* const frame = buffer.pos - kBytes;
  return core::read_number(frame, 3) == 4 && frame[core::kH2TypeByte] == core::kH2Reset &&
         core::read_number(frame + core::kH2FrameHead, 4) == core::kH2RefusedStream;
}

// The grpc module takes an answer to HEAD, which ends with its fields, for one of no bytes.
void keep_length_of_head(const ngx_http_request_t* r) {
  ngx_http_upstream_headers_in_t& answer = r->upstream->headers_in;
  if (r->method != NGX_HTTP_HEAD || answer.content_length == nullptr) return;
  const ngx_str_t& length = answer.content_length->value;
  answer.content_length_n = std::max<off_t>(ngx_atoof(length.data, length.len), -1);
}

void stand_in_front(TryState& tries, ngx_http_upstream_t& u);

// 1xx but for 101, which ends the exchange of messages. Over HTTP/2 the grpc module judges it.
bool is_interim(const RequestState& state, ngx_uint_t status) {
  return !speaks_http2(state) && status > 0 && status < NGX_HTTP_OK &&
         status != NGX_HTTP_SWITCHING_PROTOCOLS;
}

// So that the next bytes are read as the beginning of an answer.
bool forget_answer(ngx_http_request_t* r, TryState& tries) {
  ngx_http_upstream_t& u = *r->upstream;
  if (tries.reinit_request(r) != NGX_OK) return false;
  stand_in_front(tries, u);
  if (u.state != nullptr) u.state->status = 0;
  u.headers_in = {};
  u.headers_in.content_length_n = -1;
  u.headers_in.last_modified_time = -1;
  return ngx_list_init(&u.headers_in.headers, r->pool, 8, sizeof(ngx_table_elt_t)) == NGX_OK &&
         ngx_list_init(&u.headers_in.trailers, r->pool, 2, sizeof(ngx_table_elt_t)) == NGX_OK;
}

ngx_int_t process_header(ngx_http_request_t* r) {
  RequestState& state = *find_state(r);
  TryState& tries = state.tries;
  ngx_http_upstream_t& u = *r->upstream;
  ngx_int_t result = tries.process_header(r);
  while (result == NGX_OK && is_interim(state, u.headers_in.status_n)) {
    if (!forget_answer(r, tries)) return NGX_ERROR;
    result = tries.process_header(r);
  }
  stand_in_front(tries, u);  // the stock parser goes on with another function
  if (result == NGX_OK && speaks_http2(state)) keep_length_of_head(r);
  const std::optional<table::Retry>& rule = state.plan.retry;
  if (!rule || !can_send_again(r)) return result;
  if (result == NGX_OK && core::retries_status(*rule, u.headers_in.status_n) &&
      take_retry(state, kAnswer)) {
    tries.retried_status = u.headers_in.status_n;
    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
  }
  if (result == NGX_HTTP_UPSTREAM_INVALID_HEADER && speaks_http2(state) && was_refused(u.buffer)) {
    take_retry(state, kAnswer);
  }
  return result;
}

#if nginx_version < 1029007
// The beginning of the grpc module's context. Before 1.29.7 what was queued for one connection went
// to the next one.
struct GrpcContext {
  int state;
  ngx_uint_t frame_state;
  ngx_uint_t fragment_state;
  ngx_chain_t* in;
  ngx_chain_t* out;
  ngx_chain_t* free;
  ngx_chain_t* busy;
};

void forget_queued_frames(ngx_http_request_t* r) {
  auto* const context = static_cast<GrpcContext*>(r->ctx[main_conf(r).grpc.ctx_index]);
  if (context == nullptr) return;
  context->in = nullptr;
  context->out = nullptr;
  context->busy = nullptr;
}
#else
void forget_queued_frames(ngx_http_request_t*) {}
#endif

// A body that lies in a file is sent through one buffer, in which "this was the last part" stays
// set after the first try.
void reuse_body_buffer(const ngx_http_request_t* r) {
  const ngx_http_request_body_t* const body = r->request_body;
  if (body == nullptr || body->buf == nullptr || body->temp_file == nullptr) return;
  body->buf->last_buf = 0;
  body->buf->last_in_chain = 0;
}

// nginx writes the stream's number of a kept connection into the request's own bytes and leaves it
// there when the next try opens a connection, where it has to be 1.
void begin_again(const ngx_buf_t& request) {
  core::begin_h2_stream({request.start, request.last});
}

ngx_int_t reinit_request(ngx_http_request_t* r) {
  RequestState& state = *find_state(r);
  ngx_http_upstream_t& u = *r->upstream;
  const ngx_int_t result = state.tries.reinit_request(r);
  stand_in_front(state.tries, u);
  if (speaks_http2(state)) {
    forget_queued_frames(r);
    reuse_body_buffer(r);
    if (u.request_bufs != nullptr) begin_again(*u.request_bufs->buf);
  }
  return result;
}

void stand_in_front(TryState& tries, ngx_http_upstream_t& u) {
  if (u.process_header != process_header) {
    tries.process_header = u.process_header;
    u.process_header = process_header;
  }
  if (u.reinit_request != reinit_request) {
    tries.reinit_request = u.reinit_request;
    u.reinit_request = reinit_request;
  }
}

ssize_t receive_nothing(ngx_connection_t*, u_char*, std::size_t) {
  return NGX_ERROR;
}

// nginx reads from the connection that leads nowhere, finds it broken, and asks for the next peer.
void on_pause_over(ngx_event_t* event) {
  RequestState& state = state_of(event);
  ngx_http_request_t* const r = state.request;
  ngx_connection_t* const c = r->connection;
  ngx_http_set_log_request(c->log, r);
  state.tries.parked = false;
  state.tries.resumed = true;
  state.upstream_conf.next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR;
  r->upstream->peer.tries = 1;
  r->upstream->read_event_handler(r, r->upstream);
  ngx_http_run_posted_requests(c);
}

bool park(RequestState& state, ngx_peer_connection_t* pc) {
  const ngx_socket_t descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor == -1) return false;
  ngx_connection_t* const c = ngx_get_connection(descriptor, pc->log);
  if (c == nullptr) {
    ngx_close_socket(descriptor);
    return false;
  }
  c->recv = receive_nothing;
  c->log_error = pc->log_error;
  pc->connection = c;
  pc->sockaddr = nullptr;  // so that nobody takes it for a try
  state.tries.parked = true;
  state.upstream_conf.connect_timeout = kForeverMs;
  state.request->upstream->ssl = 0;  // the next try says anew how it is secured
  return true;
}

}  // namespace

bool has_retry_rule(const RequestState& state) {
  return state.plan.retry.has_value();
}

void watch_answers(RequestState& state) {
  stand_in_front(state.tries, *state.request->upstream);
}

bool retry_connection(RequestState& state) {
  return take_retry(state, kConnecting);
}

void settle_log(RequestState& state) {
  TryState& tries = state.tries;
  ngx_array_t& states = *state.request->upstream_states;
  auto* const records = static_cast<ngx_http_upstream_state_t*>(states.elts);
  if (tries.resumed && states.nelts >= 2) {
    records[states.nelts - 2] = records[states.nelts - 1];
    --states.nelts;
    state.request->upstream->state = &records[states.nelts - 1];
  }
  if (tries.retried_status != 0 && states.nelts >= 2) {
    records[states.nelts - 2].status = tries.retried_status;
  }
  tries.resumed = false;
  tries.retried_status = 0;
}

ngx_int_t pause_before_try(RequestState& state, ngx_peer_connection_t* pc) {
  TryState& tries = state.tries;
  const std::optional<table::Retry>& rule = state.plan.retry;
  if (!tries.pause_next || !rule) return NGX_DECLINED;
  tries.pause_next = false;
  listen::Worker* const worker = listen::Worker::current();
  const std::uint32_t draw = worker != nullptr ? worker->random().draw() : 0;
  const std::uint32_t pause = core::pause_ms(rule->backoff_ms, tries.retries - 1, draw);
  if (pause == 0) return NGX_DECLINED;
  if (!park(state, pc)) return NGX_ERROR;
  start_timer(tries.pause, state, on_pause_over, pause);
  return NGX_AGAIN;
}

}  // namespace sluice::http_module
