#include "ngx_module/listen/sniff.h"

#include <array>
#include <span>
#include <string_view>

#include "ngx_module/core/preface.h"
#include "ngx_module/core/proxy_protocol.h"
#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/listeners.h"

namespace sluice::listen {

namespace {

void hand_over(ngx_connection_t* c, ngx_listening_t& to) {
  if (c->read->timer_set) ngx_del_timer(c->read);
  ngx_reusable_connection(c, 0);
  c->idle = 0;
  c->listening = &to;
  c->data = nullptr;
  to.handler(c);
}

ngx_msec_t header_timeout(const Listener& listener) {
  const auto* const port = static_cast<const ngx_http_port_t*>(listener.http.servers);
  const ngx_http_addr_conf_t& conf =
      listener.address.ss_family == AF_INET6
          ? static_cast<const ngx_http_in6_addr_t*>(port->addrs)[0].conf
          : static_cast<const ngx_http_in_addr_t*>(port->addrs)[0].conf;
  return conf.default_server->client_header_timeout;
}

void wait_for_more(ngx_connection_t* c, const Listener& listener) {
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
  if (c->read->timedout || c->close) {
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

void choose_template(ngx_connection_t* c, Listener& listener) {
  if (expects_tls(listener)) {
    // What speaks no TLS is answered there too: nginx looks at the first byte itself.
    if (listener.has_https) {
      hand_over(c, listener.https);
    } else {
      ngx_http_close_connection(c);
    }
    return;
  }
  if (!listener.sniffs) {
    hand_over(c, listener.http);
    return;
  }
  begin_to_read(c, sniff);
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
  const bool whole = header.status == core::ProxyHeader::Status::kWhole;
  if (!whole) {
    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "sluice: the connection has no valid header of the PROXY protocol");
  }
  // As many bytes are there: they were looked at.
  if (!whole || (header.client && !set_client(c, *header.client)) ||
      recv(c->fd, buffer.data(), header.bytes, 0) != static_cast<ssize_t>(header.bytes)) {
    ngx_http_close_connection(c);
    return;
  }
  event->ready = 1;
  choose_template(c, listener);
}

}  // namespace

void on_connection(ngx_connection_t* c) {
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  if (expects_proxy_protocol(listener)) {
    begin_to_read(c, read_proxy_header);
  } else {
    choose_template(c, listener);
  }
}

}  // namespace sluice::listen
