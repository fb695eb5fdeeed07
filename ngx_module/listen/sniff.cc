#include "ngx_module/listen/sniff.h"

#include <array>

#include "ngx_module/core/preface.h"
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

void sniff(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
  if (event->timedout || c->close) {
    ngx_http_close_connection(c);
    return;
  }
  std::array<char, core::kPreface.size()> first;
  const ssize_t got = recv(c->fd, first.data(), first.size(), MSG_PEEK);
  if (got == -1 && ngx_socket_errno == NGX_EAGAIN) {
    wait_for_more(c, listener);
    return;
  }
  if (got <= 0) {
    ngx_http_close_connection(c);
    return;
  }
  const auto protocol = core::tell_protocol({first.data(), static_cast<std::size_t>(got)});
  if (protocol == core::Protocol::kUndecided) {
    wait_for_more(c, listener);
    return;
  }
  event->ready = 1;
  hand_over(c, protocol == core::Protocol::kHttp2 ? listener.http2 : listener.http);
}

void ignore(ngx_event_t*) {}

}  // namespace

void on_connection(ngx_connection_t* c) {
  auto& listener = *reinterpret_cast<Listener*>(c->listening);
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
  c->log->connection = c->number;
  c->log->action = const_cast<char*>("waiting for the first bytes");
  c->log_error = NGX_ERROR_INFO;
  c->read->handler = sniff;
  c->write->handler = ignore;
  sniff(c->read);
}

}  // namespace sluice::listen
