#include "ngx_module/http/keepalive.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "shared/base/hash.h"

namespace sluice::http_module {

namespace {

constexpr ngx_msec_t kIdleMs = 60'000;
constexpr ngx_msec_t kLongestLifeMs = 3'600'000;
constexpr ngx_uint_t kMaxRequests = 1000;
constexpr ngx_uint_t kMaxKept = 512;  // and at most a quarter of worker_connections
constexpr std::size_t kBuckets = 256;

struct Kept {
  ngx_queue_t bucket;
  ngx_queue_t all;
  ngx_connection_t* connection;
  ngx_msec_t since;
  socklen_t bytes;
  ngx_sockaddr_t address;
  table::BackendProtocol protocol;
  std::uint64_t tls;
};

// Per process: a worker fills it, the master never does.
struct Pool {
  std::array<ngx_queue_t, kBuckets> buckets;
  ngx_queue_t all;  // newest first
  ngx_uint_t count = 0;

  Pool() {
    for (ngx_queue_t& bucket : buckets) {
      ngx_queue_init(&bucket);
    }
    ngx_queue_init(&all);
  }
};

Pool& pool() {
  static Pool the_pool;
  return the_pool;
}

ngx_queue_t& bucket_of(const ConnectionKey& key) {
  const std::string_view address(reinterpret_cast<const char*>(key.address), key.bytes);
  const std::uint64_t seed = key.tls << 8 | static_cast<std::uint64_t>(key.protocol);
  return pool().buckets[hash_bytes(address, seed) % kBuckets];
}

bool equal(const Kept& kept, const ConnectionKey& key) {
  return kept.protocol == key.protocol && kept.tls == key.tls && kept.bytes == key.bytes &&
         std::memcmp(&kept.address, key.address, key.bytes) == 0;
}

// Marks the pool cleanup entry that holds a connection's Kept.
void kept_marker(void*) {}

Kept* kept_of(ngx_connection_t* c) {
  for (ngx_pool_cleanup_t* cleanup = c->pool->cleanup; cleanup != nullptr;
       cleanup = cleanup->next) {
    if (cleanup->handler == kept_marker) return static_cast<Kept*>(cleanup->data);
  }
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(c->pool, sizeof(Kept));
  if (cleanup == nullptr) return nullptr;
  cleanup->handler = kept_marker;
  return static_cast<Kept*>(cleanup->data);
}

void remove(Kept& kept) {
  ngx_queue_remove(&kept.bucket);
  ngx_queue_remove(&kept.all);
  --pool().count;
}

void close_connection(ngx_connection_t* c) {
  ngx_destroy_pool(c->pool);
  ngx_close_connection(c);
}

void close_kept(Kept& kept) {
  ngx_connection_t* const c = kept.connection;
  remove(kept);
  if (c->ssl != nullptr) {
    c->ssl->no_wait_shutdown = 1;
    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
      c->ssl->handler = close_connection;
      return;
    }
  }
  close_connection(c);
}

void on_readable(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  if (!c->close && !c->read->timedout) {
    char byte;
    if (recv(c->fd, &byte, 1, MSG_PEEK) == -1 && ngx_socket_errno == NGX_EAGAIN) {
      event->ready = 0;
      if (ngx_handle_read_event(c->read, 0) == NGX_OK) return;
    }
  }
  close_kept(*static_cast<Kept*>(c->data));
}

void on_writable(ngx_event_t*) {}

void use_log(ngx_connection_t* c, ngx_log_t* log) {
  c->log = log;
  c->read->log = log;
  c->write->log = log;
  c->pool->log = log;
}

bool may_be_kept(const ngx_connection_t* c) {
  return !c->read->eof && !c->read->error && !c->read->timedout && !c->write->error &&
         !c->write->timedout && c->requests < kMaxRequests &&
         ngx_current_msec - c->start_time <= kLongestLifeMs && !ngx_terminate && !ngx_exiting;
}

}  // namespace

ngx_connection_t* take_kept(const ConnectionKey& key, ngx_msec_t max_idle_ms, ngx_log_t* log) {
  ngx_queue_t& bucket = bucket_of(key);
  for (ngx_queue_t* at = ngx_queue_head(&bucket); at != ngx_queue_sentinel(&bucket);
       at = ngx_queue_next(at)) {
    Kept& kept = *ngx_queue_data(at, Kept, bucket);
    if (!equal(kept, key) || ngx_current_msec - kept.since > max_idle_ms) continue;
    ngx_connection_t* const c = kept.connection;
    remove(kept);
    if (c->read->timer_set) ngx_del_timer(c->read);
    c->idle = 0;
    c->sent = 0;
    c->data = nullptr;
    use_log(c, log);
    return c;
  }
  return nullptr;
}

bool keep(ngx_connection_t* c, const ConnectionKey& key) {
  if (!may_be_kept(c) || key.bytes > sizeof(ngx_sockaddr_t)) return false;
  if (ngx_handle_read_event(c->read, 0) != NGX_OK) return false;
  Kept* const kept = kept_of(c);
  if (kept == nullptr) return false;
  const ngx_uint_t most = std::min(kMaxKept, ngx_cycle->connection_n / 4);
  if (most == 0) return false;
  while (pool().count >= most) {
    close_kept(*ngx_queue_data(ngx_queue_last(&pool().all), Kept, all));
  }
  kept->connection = c;
  kept->since = ngx_current_msec;
  kept->bytes = key.bytes;
  ngx_memcpy(&kept->address, key.address, key.bytes);
  kept->protocol = key.protocol;
  kept->tls = key.tls;
  ngx_queue_t& bucket = bucket_of(key);
  ngx_queue_insert_head(&bucket, &kept->bucket);
  ngx_queue_insert_head(&pool().all, &kept->all);
  ++pool().count;

  c->read->delayed = 0;
  ngx_add_timer(c->read, kIdleMs);
  if (c->write->timer_set) ngx_del_timer(c->write);
  c->write->handler = on_writable;
  c->read->handler = on_readable;
  c->data = kept;
  c->idle = 1;
  use_log(c, ngx_cycle->log);
  if (c->read->ready) on_readable(c->read);
  return true;
}

}  // namespace sluice::http_module
