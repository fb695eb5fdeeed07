#include "ngx_module/listen/sniff.h"

#include <array>
#include <span>
#include <string_view>

#include "ngx_module/core/client_hello.h"
#include "ngx_module/core/preface.h"
#include "ngx_module/core/proxy_protocol.h"
#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/connection_counts.h"
#include "ngx_module/listen/listeners.h"
#include "ngx_module/listen/relay_plan.h"

namespace sluice::listen {

namespace {

template <class Clone>
void hand_over(ngx_connection_t* c, Clone& to) {
  if (!to.is_there) {
    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "sluice: nginx.conf has no template for this connection: render and include "
                  "sluice-listeners.conf and sluice-streams.conf again");
    ngx_http_close_connection(c);
    return;
  }
  if (c->read->timer_set) ngx_del_timer(c->read);
  ngx_reusable_connection(c, 0);
  c->idle = 0;
  c->listening = &to.listening;
  c->data = nullptr;
  to.listening.handler(c);
}

ngx_msec_t header_timeout(const Listener& listener) {
  const auto* const port = static_cast<const ngx_http_port_t*>(listener.http.listening.servers);
  const ngx_http_addr_conf_t& conf =
      listener.address.ss_family == AF_INET6
          ? static_cast<const ngx_http_in6_addr_t*>(port->addrs)[0].conf
          : static_cast<const ngx_http_in_addr_t*>(port->addrs)[0].conf;
  return conf.default_server->client_header_timeout;
}

void close_counted(ngx_connection_t* c, const Listener& listener, SocketEvent why) {
  count(group_of(listener.key), why);
  ngx_http_close_connection(c);
}

// The deadline is that of all waiting together. A client that ended its side sends no more.
void wait_for_more(ngx_connection_t* c, const Listener& listener) {
  if (c->read->pending_eof) {
    ngx_http_close_connection(c);
    return;
  }
  if (!c->read->timer_set) {
    ngx_add_timer(c->read, header_timeout(listener));
    ngx_reusable_connection(c, 1);
    c->idle = 1;
  }
  c->read->ready = 0;
  if (ngx_handle_read_event(c->read, 0) != NGX_OK) ngx_http_close_connection(c);
}

// What has arrived, without consuming it. Empty: the connection waits for more, or is closed.
std::string_view peek(ngx_connection_t* c, const Listener& listener, std::span<char> buffer) {
  // Its time is over, or with few connections left nginx takes it for others.
  if (c->read->timedout || (c->close && !ngx_exiting)) {
    close_counted(c, listener, SocketEvent::kTooSlow);
    return {};
  }
  if (c->close) {
    ngx_http_close_connection(c);
    return {};
  }
  const ssize_t got = recv(c->fd, buffer.data(), buffer.size(), MSG_PEEK);
  if (got > 0) return {buffer.data(), static_cast<std::size_t>(got)};
  if (got == -1 && ngx_socket_errno == NGX_EAGAIN) {
    wait_for_more(c, listener);
  } else {
    ngx_http_close_connection(c);
  }
  return {};
}

void sniff(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  std::array<char, core::kPreface.size()> buffer;
  const std::string_view first = peek(c, listener, buffer);
  if (first.empty()) return;
  const auto protocol = core::tell_protocol(first);
  if (protocol == core::Protocol::kUndecided) {
    wait_for_more(c, listener);
    return;
  }
  event->ready = 1;
  hand_over(c, protocol == core::Protocol::kHttp2 ? listener.http2 : listener.http);
}

void ignore(ngx_event_t*) {}

void begin_to_read(ngx_connection_t* c, ngx_event_handler_pt handler) {
  c->log->connection = c->number;
  c->log->action = const_cast<char*>("waiting for the first bytes");
  c->log_error = NGX_ERROR_INFO;
  c->read->handler = handler;
  c->write->handler = ignore;
  handler(c->read);
}

// To the template that the plan says. Without a rule that serves it, it is closed by the one that
// sends nothing of its own.
void relay(ngx_connection_t* c, Listener& listener, std::string_view server_name) {
  const RelayPlan* const relay = plan_relay(c, listener.key, server_name);
  if (relay == nullptr) {
    ngx_http_close_connection(c);
    return;
  }
  if (relay->has_no_route()) count(group_of(listener.key), SocketEvent::kNoRoute);
  if (relay->is_http()) {
    hand_over(c, listener.https);
  } else if (relay->mode == table::ListenerMode::kTlsTerminate &&
             relay->plan.reason == core::Reason::kNone) {
    hand_over(c, listener.tls_terminate);
  } else {
    hand_over(c, listener.tcp);
  }
}

void read_server_name(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  std::array<char, core::kMaxClientHello> bytes;
  const std::string_view first = peek(c, listener, bytes);
  if (first.empty()) return;
  std::array<char, http::kMaxHostBytes> name;
  const core::ClientHello hello = core::read_client_hello(first, name);
  if (hello.status == core::ClientHello::Status::kUndecided) {
    wait_for_more(c, listener);
    return;
  }
  if (hello.status == core::ClientHello::Status::kMalformed) {
    ngx_log_error(NGX_LOG_INFO, c->log, 0, "sluice: the connection begins with no ClientHello");
    close_counted(c, listener, SocketEvent::kMalformed);
    return;
  }
  event->ready = 1;
  relay(c, listener, hello.server_name);
}

// `group`: what the table says of the listener.
void choose_template(ngx_connection_t* c, Listener& listener, const table::Group& group) {
  if (group.raw_tcp != 0) {
    relay(c, listener, {});
  } else if (group.server_names != 0) {
    begin_to_read(c, read_server_name);
  } else if (group.tls != 0) {
    // What speaks no TLS is answered there too: nginx looks at the first byte itself.
    hand_over(c, listener.https);
  } else if (listener.http2.is_there) {
    begin_to_read(c, sniff);
  } else {
    hand_over(c, listener.http);
  }
}

// Fails (false): out of memory.
bool set_client(ngx_connection_t* c, const table::SocketKey& client) {
  sockaddr_storage address{};
  const socklen_t bytes = core::to_sockaddr(client, address);
  auto* const copy = static_cast<sockaddr*>(ngx_palloc(c->pool, bytes));
  auto* const text = static_cast<u_char*>(ngx_pnalloc(c->pool, NGX_SOCKADDR_STRLEN));
  if (copy == nullptr || text == nullptr) return false;
  ngx_memcpy(copy, &address, bytes);
  c->sockaddr = copy;
  c->socklen = bytes;
  c->addr_text = {ngx_sock_ntop(copy, bytes, text, NGX_SOCKADDR_STRLEN, 0), text};
  return true;
}

void read_proxy_header(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  std::array<char, core::kMaxProxyHeader> buffer;
  const std::string_view first = peek(c, listener, buffer);
  if (first.empty()) return;
  const core::ProxyHeader header = core::read_proxy_header(first);
  if (header.status == core::ProxyHeader::Status::kUndecided) {
    wait_for_more(c, listener);
    return;
  }
  if (header.status != core::ProxyHeader::Status::kWhole) {
    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "sluice: the connection has no valid header of the PROXY protocol");
    close_counted(c, listener, SocketEvent::kMalformed);
    return;
  }
  // As many bytes are there: they were looked at.
  if ((header.client && !set_client(c, *header.client)) ||
      recv(c->fd, buffer.data(), header.bytes, 0) != static_cast<ssize_t>(header.bytes)) {
    ngx_http_close_connection(c);
    return;
  }
  event->ready = 1;
  choose_template(c, listener, group_of(listener.key));
}

}  // namespace

void on_connection(ngx_connection_t* c) {
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  const table::Group group = group_of(listener.key);
  count(group, SocketEvent::kAccepted);
  if (group.proxy_protocol != 0) {
    begin_to_read(c, read_proxy_header);
  } else {
    choose_template(c, listener, group);
  }
}

}  // namespace sluice::listen
