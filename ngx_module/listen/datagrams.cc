#include "ngx_module/listen/datagrams.h"

#include <algorithm>
#include <vector>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/connection_counts.h"
#include "ngx_module/listen/listeners.h"
#include "ngx_module/listen/relay_plan.h"
#include "shared/base/same_socket.h"

namespace sluice::listen {

namespace {

// In the session's pool.
struct Session {
  ngx_queue_t link;
  ngx_connection_t* connection;
};

void forget_session(void* session) {
  ngx_queue_remove(&static_cast<Session*>(session)->link);
}

// Fails (false): out of memory.
bool remember_session(ngx_connection_t* c, ngx_queue_t& sessions) {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(c->pool, sizeof(Session));
  if (cleanup == nullptr) return false;
  auto* const session = static_cast<Session*>(cleanup->data);
  session->connection = c;
  ngx_queue_insert_tail(&sessions, &session->link);
  cleanup->handler = forget_session;
  return true;
}

bool is_unspecified(const table::SocketKey& key) {
  return std::ranges::all_of(key.address, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

void end_session(ngx_connection_t* c) {
  c->close = 1;
  c->error = 1;
  c->read->handler(c->read);
}

void Datagrams::on_datagram(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  // Graceful exit: nginx closes "idle" connections by calling us with `close` set. Another worker
  // reads the socket from now on.
  if (c->close || ngx_exiting || ngx_terminate) {
    stop_reading(*reinterpret_cast<Accepting*>(c->listening)->socket);
    return;
  }
  ngx_event_recvmsg(event);
}

// Of a client that has none yet. What no rule serves is handed over too, and ends there: so it is
// logged like the others.
void Datagrams::on_session(ngx_connection_t* c) {
  Socket& socket = *reinterpret_cast<Accepting*>(c->listening)->socket;
  const table::Group group = group_of(socket.key);
  count(group, SocketEvent::kAccepted);
  const RelayPlan* const relay =
      remember_session(c, socket.sessions) ? plan_relay(c, socket.key, {}) : nullptr;
  if (relay == nullptr) {
    ngx_http_close_connection(c);
    return;
  }
  if (relay->has_no_route()) count(group, SocketEvent::kNoRoute);
  socket.clone.listening.handler(c);
  // What is still there can be spared for new clients: with few connections left, nginx ends the
  // sessions that began first.
  ngx_queue_t* const last = ngx_queue_last(&socket.sessions);
  const bool lives = last != &socket.sessions && reinterpret_cast<Session*>(last)->connection == c;
  if (lives) ngx_reusable_connection(c, 1);
}

void Datagrams::stop_reading(Socket& socket) {
  ngx_connection_t* const c = socket.connection;
  if (c == nullptr) return;
  socket.connection = nullptr;
  if (c->read->active) ngx_del_event(c->read, NGX_READ_EVENT, 0);
  c->idle = 0;
  ngx_free_connection(c);
  c->fd = static_cast<ngx_socket_t>(-1);
}

Result<void> Datagrams::start_reading(Socket& socket, ngx_cycle_t* cycle) {
  ngx_connection_t* const c = ngx_get_connection(socket.fd.get(), cycle->log);
  if (c == nullptr) return fail(Errc::kFull, "worker_connections are not enough");
  socket.connection = c;
  c->type = SOCK_DGRAM;
  c->log = &socket.accepting.listening.log;
  c->listening = &socket.accepting.listening;
  c->idle = 1;
  c->read->log = c->log;
  c->read->accept = 1;
  c->read->handler = on_datagram;
  if (ngx_add_event(c->read, NGX_READ_EVENT, 0) == NGX_OK) return {};
  stop_reading(socket);
  return fail(Errc::kSystem, "the event could not be added");
}

void Datagrams::end_sessions() {
  std::vector<ngx_connection_t*> connections;
  for (const auto& socket : sockets_) {
    for (ngx_queue_t* each = ngx_queue_head(&socket->sessions); each != &socket->sessions;
         each = ngx_queue_next(each)) {
      connections.push_back(reinterpret_cast<Session*>(each)->connection);
    }
  }
  for (ngx_connection_t* const c : connections)
    end_session(c);
}

Datagrams::Socket* Datagrams::find(std::string_view name) const {
  for (const auto& socket : sockets_) {
    if (socket->connection != nullptr && socket->name == name) return socket.get();
  }
  return nullptr;
}

Result<Datagrams::Socket*> Datagrams::make(std::string_view name, UniqueFd fd) {
  const ngx_listening_t* const udp = find_template(conf_, "udp");
  if (udp == nullptr) {
    return fail(Errc::kNotFound,
                "nginx.conf has no listen unix:sluice-udp: include sluice-streams.conf in "
                "stream {}");
  }
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
    return fail_errno("getsockname");
  }
  const auto key = core::socket_key(reinterpret_cast<const sockaddr*>(&address));
  if (!key) return fail(Errc::kInvalid, "not a UDP socket");
  if (ngx_nonblocking(fd.get()) == -1) return fail_errno("making the socket nonblocking");
  Socket* const socket = sockets_.emplace_back(std::make_unique<Socket>()).get();
  ngx_queue_init(&socket->sessions);
  socket->address = address;
  socket->key = *key;
  socket->key.transport = table::Transport::kUdp;
  socket->name = name;
  socket->text = name.substr(kDatagramPrefix.size());
  socket->text.resize(std::min(socket->text.size(), socket->text.rfind('/')));
  socket->fd = std::move(fd);
  make_clone(udp, socket->address, socket->text, socket->clone);
  socket->accepting.socket = socket;
  copy_listening(*udp, socket->address, socket->text, socket->accepting.listening);
  ngx_listening_t& listening = socket->accepting.listening;
  listening.servers = socket->clone.listening.servers;
  listening.handler = on_session;
  listening.type = SOCK_DGRAM;
  listening.fd = socket->fd.get();
  // The address that a datagram came to is asked for where it is not the socket's own.
  listening.wildcard = is_unspecified(*key);
  return socket;
}

Result<void> Datagrams::open(std::string_view name, UniqueFd fd, ngx_cycle_t* cycle) {
  if (find(name) != nullptr) return {};
  // One that comes back finds its sessions again.
  for (const auto& socket : sockets_) {
    if (socket->connection == nullptr && same_socket(socket->fd.get(), fd.get())) {
      return start_reading(*socket, cycle);
    }
  }
  Result<Socket*> made = make(name, std::move(fd));
  if (!made) return tl::unexpected<Error>(std::move(made.error()));
  return start_reading(**made, cycle);
}

void Datagrams::stop_reading(std::string_view name) {
  if (Socket* const socket = find(name)) stop_reading(*socket);
}

void Datagrams::close_ended() {
  std::erase_if(sockets_, [](const auto& socket) {
    return socket->connection == nullptr && ngx_queue_empty(&socket->sessions);
  });
}

}  // namespace sluice::listen
