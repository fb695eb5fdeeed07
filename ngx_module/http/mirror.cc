#include "ngx_module/http/mirror.h"

#include <algorithm>
#include <new>
#include <span>

#include "ngx_module/core/h2_exchange.h"
#include "ngx_module/http/mirror_choice.h"
#include "ngx_module/http/mirror_delivery.h"
#include "ngx_module/http/mirror_opening.h"
#include "ngx_module/http/pool_text.h"
#include "ngx_module/listen/worker.h"

namespace sluice::http_module {

namespace {

constexpr ngx_uint_t kMaxDeliveries = 1024;   // of a worker; and a quarter of worker_connections
constexpr std::size_t kMaxBytes = 64U << 20;  // of all bodies that a worker holds
constexpr std::size_t kPoolBytes = 4096;

ngx_http_request_body_filter_pt next_body_filter;

}  // namespace

struct MirrorTarget {
  table::SlotRef slot;
  table::BackendProtocol protocol;
  std::string_view backend;  // its name, in the copy's pool
};

// A request while it is copied and sent. Of the request until started, then of its deliveries.
struct MirrorCopy {
  ngx_pool_t* pool;
  table::BackendProtocol protocol;  // of the backend
  secret::BlobPlace client_certificate;
  ngx_array_t targets;         // of MirrorTarget
  std::string_view sent_head;  // to the backend, in the request's pool; empty until peer.init
  ngx_chain_t* body;
  ngx_chain_t** body_end;
  std::size_t body_bytes;
  bool body_whole;
  bool given_up;
  ngx_uint_t deliveries;
};

namespace {

// What this worker's copies take, and what was left out since the log said so.
struct Totals {
  ngx_uint_t deliveries = 0;
  std::size_t bytes = 0;
  ngx_uint_t dropped = 0;
  time_t said = 0;
};

Totals& totals() {
  static Totals the_totals;
  return the_totals;
}

void drop(ngx_log_t* log, std::string_view backend, const char* why) {
  Totals& all = totals();
  ++all.dropped;
  if (all.said == ngx_time()) return;
  ngx_str_t name = ngx::str(backend);
  ngx_log_error(NGX_LOG_WARN, log, 0,
                "sluice: requests not copied to their mirrors: %ui, the last one to \"%V\": %s",
                all.dropped, &name, why);
  all.dropped = 0;
  all.said = ngx_time();
}

std::span<const MirrorTarget> targets_of(const MirrorCopy& copy) {
  return {static_cast<const MirrorTarget*>(copy.targets.elts), copy.targets.nelts};
}

void destroy(MirrorCopy& copy) {
  totals().bytes -= copy.body_bytes;
  ngx_destroy_pool(copy.pool);
}

void give_up(ngx_http_request_t* r, MirrorCopy& copy, const char* why) {
  if (copy.given_up) return;
  copy.given_up = true;
  for (const MirrorTarget& target : targets_of(copy))
    drop(r->connection->log, target.backend, why);
}

bool expects_body(const ngx_http_request_t* r) {
  return r->headers_in.content_length_n > 0 || r->headers_in.chunked;
}

// Of the request's pool: a copy that was not started ends with its request.
void on_request_end(void* data) {
  auto** const owned = static_cast<MirrorCopy**>(data);
  if (*owned != nullptr) destroy(**owned);
}

MirrorCopy** begin_copy(ngx_http_request_t* r) {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->pool, sizeof(MirrorCopy*));
  if (cleanup == nullptr) return nullptr;
  ngx_pool_t* const pool = ngx_create_pool(kPoolBytes, ngx_cycle->log);
  if (pool == nullptr) return nullptr;
  auto* const copy = static_cast<MirrorCopy*>(ngx_pcalloc(pool, sizeof(MirrorCopy)));
  if (copy == nullptr || ngx_array_init(&copy->targets, pool, 2, sizeof(MirrorTarget)) != NGX_OK) {
    ngx_destroy_pool(pool);
    return nullptr;
  }
  copy->pool = pool;
  copy->body_end = &copy->body;
  copy->body_whole = !expects_body(r);
  auto** const owned = static_cast<MirrorCopy**>(cleanup->data);
  *owned = copy;
  cleanup->handler = on_request_end;
  return owned;
}

// Why this request can't be copied; null: it can.
const char* obstacle(const ngx_http_request_t* r) {
  if (r->headers_in.upgrade != nullptr) return "the request asks for an upgrade";
  if (r->headers_in.content_length_n > static_cast<off_t>(kMaxMirroredBody)) {
    return "the body is too long";
  }
  if (expects_body(r) && r->request_body != nullptr) return "the body was read already";
  return nullptr;
}

bool append_body(MirrorCopy& copy, std::span<const u_char> bytes) {
  if (bytes.empty()) return true;
  ngx_chain_t* const link = ngx_alloc_chain_link(copy.pool);
  ngx_buf_t* const buf = ngx_create_temp_buf(copy.pool, bytes.size());
  if (link == nullptr || buf == nullptr) return false;
  buf->last = ngx_cpymem(buf->pos, bytes.data(), bytes.size());
  *link = {buf, nullptr};
  *copy.body_end = link;
  copy.body_end = &link->next;
  copy.body_bytes += bytes.size();
  totals().bytes += bytes.size();
  return true;
}

void copy_buffer(ngx_http_request_t* r, MirrorCopy& copy, const ngx_buf_t& buf) {
  if (copy.given_up) return;
  if (!ngx_buf_in_memory(&buf)) {
    if (!ngx_buf_special(&buf)) give_up(r, copy, "the body is in a file");
    return;
  }
  const std::span bytes{buf.pos, static_cast<std::size_t>(buf.last - buf.pos)};
  if (copy.body_bytes + bytes.size() > kMaxMirroredBody) {
    give_up(r, copy, "the body is too long");
  } else if (totals().bytes + bytes.size() > kMaxBytes) {
    give_up(r, copy, "too many bodies are held");
  } else if (!append_body(copy, bytes)) {
    give_up(r, copy, "out of memory");
  }
}

void on_delivery_end(MirrorDelivery& delivery) {
  auto& copy = *static_cast<MirrorCopy*>(delivery.owner);
  if (delivery.failed) drop(&delivery.log, delivery.backend, "the connection failed");
  --totals().deliveries;
  if (--copy.deliveries == 0) destroy(copy);
}

// Null: it is on its way.
const char* deliver(MirrorCopy& copy, const MirrorTarget& mirror) {
  if (totals().deliveries >= std::min(kMaxDeliveries, ngx_cycle->connection_n / 4)) {
    return "too many copies are on their way";
  }
  const MirrorChoice choice =
      choose_mirror(mirror.slot, {mirror.protocol, copy.client_certificate}, copy.pool);
  if (choice.obstacle != nullptr) return choice.obstacle;
  const MirrorOpening opening =
      open_mirror({copy.protocol, copy.sent_head, copy.body, copy.body_bytes},
                  {mirror.protocol, choice.tls != nullptr}, copy.pool);
  if (opening.chain == nullptr) return "the backend's request could not be copied";
  auto* const delivery =
      static_cast<MirrorDelivery*>(ngx_pcalloc(copy.pool, sizeof(MirrorDelivery)));
  if (delivery == nullptr) return "out of memory";
  delivery->ended = on_delivery_end;
  delivery->owner = &copy;
  delivery->backend = mirror.backend;
  if (mirror.protocol == table::BackendProtocol::kHttp2) {
    void* const memory = ngx_palloc(copy.pool, sizeof(core::H2Exchange));
    if (memory == nullptr) return "out of memory";
    delivery->h2 = new (memory) core::H2Exchange(opening.ends_stream, copy.body_bytes);
    delivery->body = {copy.body, 0};
  }
  if (!deliver_mirror(*delivery, choice, opening.chain, copy.pool)) return "connecting failed";
  ++copy.deliveries;
  ++totals().deliveries;
  return nullptr;
}

// Takes the copy away from the request, once all of it is there.
void send_when_whole(ngx_http_request_t* r, RequestState& state) {
  MirrorCopy& copy = **state.filters.mirrors;
  if (copy.sent_head.empty() || !copy.body_whole || copy.given_up) return;
  *state.filters.mirrors = nullptr;
  state.filters.mirrors = nullptr;
  copy.deliveries = 1;  // this function's, so that no delivery ends the copy
  for (const MirrorTarget& target : targets_of(copy)) {
    const char* const why = deliver(copy, target);
    if (why != nullptr) drop(r->connection->log, target.backend, why);
  }
  if (--copy.deliveries == 0) destroy(copy);
}

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) {
  RequestState* const state = find_state(r);
  if (state != nullptr && state->filters.mirrors != nullptr) {
    MirrorCopy& copy = **state->filters.mirrors;
    for (const ngx_chain_t* link = in; link != nullptr && !copy.body_whole; link = link->next) {
      copy_buffer(r, copy, *link->buf);
      copy.body_whole = link->buf->last_buf;
    }
    send_when_whole(r, *state);
  }
  return next_body_filter(r, in);
}

}  // namespace

bool draw_mirror(ngx_http_request_t* r, RequestState& state, table::FilterReader& filters,
                 const table::Filter& filter) {
  std::string_view backend;
  while (const auto part = filters.next_part()) {
    if (part->kind == table::PartKind::kBackendName) backend = part->value;
  }
  listen::Worker* const worker = listen::Worker::current();
  if (r != r->main || worker == nullptr || worker->random().draw() > filter.threshold) return true;
  if (const char* const why = obstacle(r)) {
    drop(r->connection->log, backend, why);
    return true;
  }
  if (state.filters.mirrors == nullptr) state.filters.mirrors = begin_copy(r);
  if (state.filters.mirrors == nullptr) return false;
  MirrorCopy& copy = **state.filters.mirrors;
  copy.protocol = state.plan.protocol;
  copy.client_certificate = state.plan.client_certificate;
  const std::string_view name = join_copy(copy.pool, {backend});
  void* const target = ngx_array_push(&copy.targets);
  if (target == nullptr || name.data() == nullptr) return false;
  new (target) MirrorTarget{{filter.slot, filter.incarnation}, filter.protocol, name};
  return true;
}

void start_mirrors(ngx_http_request_t* r, RequestState& state) {
  const ngx_http_upstream_t* const u = r->upstream;
  if (state.filters.mirrors == nullptr || u->request_bufs == nullptr) return;
  const ngx_buf_t& head = *u->request_bufs->buf;
  (*state.filters.mirrors)->sent_head = {reinterpret_cast<const char*>(head.pos),
                                         static_cast<std::size_t>(head.last - head.pos)};
  send_when_whole(r, state);
}

void install_mirror_body_filter() {
  next_body_filter = ngx_http_top_request_body_filter;
  ngx_http_top_request_body_filter = body_filter;
}

}  // namespace sluice::http_module
