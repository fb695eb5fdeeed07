#include "ngx_module/listen/listeners.h"

#include <poll.h>

#include <cstring>

#include "ngx_module/listen/sniff.h"
#include "ngx_module/listen/worker.h"
#include "shared/match/matcher.h"

namespace sluice::listen {

namespace {

constexpr int kMaxRepeats = 4;  // when memory was reused under a worker that was stopped meanwhile
constexpr int kMaxDrained = 4096;  // more than any backlog in practice; the rest is reset

ngx_uint_t exclusive_if_shared() {
#if (NGX_HAVE_EPOLLEXCLUSIVE)
  const auto* const core =
      reinterpret_cast<const ngx_core_conf_t*>(ngx_get_conf(ngx_cycle->conf_ctx, ngx_core_module));
  if ((ngx_event_flags & NGX_USE_EPOLL_EVENT) != 0 && core->worker_processes > 1) {
    return NGX_EXCLUSIVE_EVENT;
  }
#endif
  return 0;
}

void stop_accepting(Listener& listener) {
  ngx_connection_t* const c = listener.connection;
  if (c == nullptr) return;
  listener.connection = nullptr;
  listener.accepting.connection = nullptr;
  // The keeper and other workers hold the same open file: closing alone would leave it in epoll.
  if (c->read->active) ngx_del_event(c->read, NGX_READ_EVENT, 0);
  if (c->read->timer_set) ngx_del_timer(c->read);
  c->idle = 0;
  const ngx_socket_t fd = c->fd;
  ngx_free_connection(c);
  c->fd = static_cast<ngx_socket_t>(-1);
  if (ngx_close_socket(fd) == -1) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_socket_errno,
                  "sluice: closing a listener failed");
  }
}

void on_accept(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  // Graceful exit: nginx closes "idle" connections by calling us with `close` set. The queue lives
  // on in the other processes.
  if (c->close || ngx_exiting || ngx_terminate) {
    stop_accepting(listener);
    return;
  }
  if (event->timedout && !event->active &&
      ngx_add_event(event, NGX_READ_EVENT, exclusive_if_shared()) != NGX_OK) {
    stop_accepting(listener);
    return;
  }
  ngx_event_accept(event);
  // Out of descriptors: nginx set a timer, but it disables only the listeners it knows of.
  if (event->timer_set && event->active) ngx_del_event(event, NGX_READ_EVENT, 0);
}

// What nginx.conf lacks for what the table wants to have served there.
const char* missing_template(const Listener& listener) {
  const table::Group group = group_of(listener.key);
  const bool relays = group.raw_tcp != 0 || group.server_names != 0;
  if (relays && !listener.tcp.is_there) {
    return "nginx.conf has no listen unix:sluice-tcp: include sluice-streams.conf in stream {}";
  }
  if (relays && !listener.tls_terminate.is_there) {
    return "nginx.conf has no listen unix:sluice-tls-terminate: render sluice-streams.conf again";
  }
  if (group.tls != 0 && !listener.https.is_there) {
    return "nginx.conf has no listen unix:sluice-https: render sluice-listeners.conf again";
  }
  return nullptr;
}

}  // namespace

table::Group group_of(const table::SocketKey& socket) {
  Worker* const worker = Worker::current();
  arena::ReadMapping* const table = worker == nullptr ? nullptr : worker->table_for_request();
  if (table == nullptr) return {};
  match::GroupKey key;
  key.socket = socket;
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = table->enter();
    table::Group group{};
    const bool found = match::find_group(table::Reader(snapshot), key, group);
    if (table->unmoved(snapshot)) return found ? group : table::Group{};
  }
  return {};
}

Listener* Listeners::find(std::string_view name) const {
  for (const auto& listener : listeners_) {
    if (listener->name.text() == name) return listener.get();
  }
  return nullptr;
}

bool Listeners::has(std::string_view name) const {
  const Listener* const listener = find(name);
  return listener != nullptr && listener->connection != nullptr;
}

Result<void> Listeners::open(UniqueFd fd, ngx_cycle_t* cycle) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
    return fail_errno("getsockname");
  }
  const auto key = core::socket_key(reinterpret_cast<const sockaddr*>(&address));
  if (!key) return fail(Errc::kInvalid, "not a TCP socket");
  const core::SocketName name = core::socket_name(*key);
  Listener* listener = find(name.text());
  if (listener == nullptr) {
    listeners_.push_back(std::make_unique<Listener>());
    listener = listeners_.back().get();
    listener->address = address;
    listener->key = *key;
    listener->name = name;
  }
  if (listener->connection != nullptr) return {};
  return start(*listener, std::move(fd), cycle);
}

Result<void> Listeners::start(Listener& listener, UniqueFd fd, ngx_cycle_t* cycle) {
  const ngx_listening_t* const http = find_template(conf_, "http");
  if (http == nullptr) return fail(Errc::kNotFound, "nginx.conf has no listen unix:sluice-http");
  const std::string_view text = listener.name.text().substr(sizeof("tcp/") - 1);
  make_clone(http, listener.address, text, listener.http);
  make_clone(find_template(conf_, "http2"), listener.address, text, listener.http2);
  make_clone(find_template(conf_, "https"), listener.address, text, listener.https);
  make_clone(find_template(conf_, "tcp"), listener.address, text, listener.tcp);
  make_clone(find_template(conf_, "tls-terminate"), listener.address, text, listener.tls_terminate);
  if (const char* const missing = missing_template(listener)) return fail(Errc::kNotFound, missing);
  copy_listening(*http, listener.address, text, listener.accepting);
  listener.accepting.handler = on_connection;
  if (ngx_nonblocking(fd.get()) == -1) return fail_errno("making the socket nonblocking");

  ngx_connection_t* const c = ngx_get_connection(fd.get(), cycle->log);
  if (c == nullptr) return fail(Errc::kFull, "worker_connections are not enough");
  listener.accepting.fd = fd.release();
  listener.accepting.connection = c;
  listener.connection = c;
  c->type = SOCK_STREAM;
  c->log = &listener.accepting.log;
  c->listening = &listener.accepting;
  c->idle = 1;
  c->read->log = c->log;
  c->read->accept = 1;
  c->read->handler = on_accept;
  if (ngx_add_event(c->read, NGX_READ_EVENT, exclusive_if_shared()) != NGX_OK) {
    stop_accepting(listener);
    return fail(Errc::kSystem, "the event could not be added");
  }
  return {};
}

void Listeners::drain_and_close(std::string_view name) {
  Listener* const listener = find(name);
  if (listener == nullptr) return;
  for (int i = 0; i < kMaxDrained && listener->connection != nullptr; ++i) {
    pollfd waiting{listener->connection->fd, POLLIN, 0};
    if (poll(&waiting, 1, 0) != 1 || listener->connection->read->timer_set) break;
    ngx_event_accept(listener->connection->read);
  }
  stop_accepting(*listener);
}

}  // namespace sluice::listen
