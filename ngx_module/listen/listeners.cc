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

// What nginx does for its own listeners when it opens them.
void clone(const ngx_listening_t& from, Listener& listener, ngx_listening_t& to) {
  to = from;
  to.sockaddr = reinterpret_cast<sockaddr*>(&listener.address);
  to.socklen = listener.address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  to.addr_text = ngx::str(listener.name.text().substr(sizeof("tcp/") - 1));
  to.addr_text_max_len =
      listener.address.ss_family == AF_INET6 ? NGX_INET6_ADDRSTRLEN : NGX_INET_ADDRSTRLEN;
  to.addr_ntop = 1;
  to.log = *from.logp;
  to.log.data = &to.addr_text;
  to.log.handler = ngx_accept_log_error;
  to.previous = nullptr;
  to.connection = nullptr;
  to.open = to.listen = to.bound = 1;
  ngx_rbtree_init(&to.rbtree, &to.sentinel, ngx_udp_rbtree_insert_value);
}

// A template is a Unix socket, whose servers nginx keeps in the layout for IPv4; it reads them in
// the layout of the family that was accepted.
void use_ipv6_layout(Listener& listener, ngx_listening_t& clone_of, int index) {
  const auto* const port = static_cast<const ngx_http_port_t*>(clone_of.servers);
  listener.addresses[index] = {};
  listener.addresses[index].conf = static_cast<const ngx_http_in_addr_t*>(port->addrs)[0].conf;
  listener.ports[index] = {&listener.addresses[index], 1};
  clone_of.servers = &listener.ports[index];
}

bool ask_table(const Listener& listener,
               bool (*question)(const table::Reader&, const match::GroupKey&)) {
  Worker* const worker = Worker::current();
  arena::ReadMapping* const table = worker == nullptr ? nullptr : worker->table_for_request();
  if (table == nullptr) return false;
  match::GroupKey group;
  group.socket = listener.key;
  bool answer = false;
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = table->enter();
    answer = question(table::Reader(snapshot), group);
    if (table->unmoved(snapshot)) break;
  }
  return answer;
}

}  // namespace

bool expects_tls(const Listener& listener) {
  return ask_table(listener, match::expects_tls);
}

bool expects_proxy_protocol(const Listener& listener) {
  return ask_table(listener, match::expects_proxy_protocol);
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
  const ngx_listening_t* const http2 = find_template(conf_, "http2");
  const ngx_listening_t* const https = find_template(conf_, "https");
  if (https == nullptr && expects_tls(listener)) {
    return fail(Errc::kNotFound,
                "nginx.conf has no listen unix:sluice-https: render sluice-listeners.conf again");
  }
  clone(*http, listener, listener.accepting);
  clone(*http, listener, listener.http);
  clone(http2 != nullptr ? *http2 : *http, listener, listener.http2);
  clone(https != nullptr ? *https : *http, listener, listener.https);
  if (listener.address.ss_family == AF_INET6) {
    use_ipv6_layout(listener, listener.http, 0);
    use_ipv6_layout(listener, listener.http2, 1);
    use_ipv6_layout(listener, listener.https, 2);
    listener.accepting.servers = listener.http.servers;
  }
  listener.sniffs = http2 != nullptr;
  listener.has_https = https != nullptr;
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
