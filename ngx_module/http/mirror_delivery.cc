#include "ngx_module/http/mirror_delivery.h"

#include <algorithm>
#include <array>

#include "ngx_module/endpoint/address.h"
#include "ngx_module/tls/backend_context.h"

namespace sluice::http_module {

namespace {

constexpr std::size_t kMaxAnswerBytes = 1U << 20;  // what follows is not read

void end(MirrorDelivery& delivery, bool failed) {
  delivery.failed = failed;
  if (delivery.deadline.timer_set) ngx_del_timer(&delivery.deadline);
  if (ngx_connection_t* const c = delivery.peer.connection) {
    if (c->ssl != nullptr) {
      c->ssl->no_wait_shutdown = 1;
      c->ssl->no_send_shutdown = 1;
      static_cast<void>(ngx_ssl_shutdown(c));
    }
    ngx_close_connection(c);
  }
  delivery.peer.connection = nullptr;
  if (delivery.tls != nullptr) delivery.tls->release();
  delivery.ended(delivery);
}

MirrorDelivery& delivery_of(const ngx_event_t* event) {
  return *static_cast<MirrorDelivery*>(static_cast<ngx_connection_t*>(event->data)->data);
}

void on_deadline(ngx_event_t* event) {
  auto& delivery = *static_cast<MirrorDelivery*>(event->data);
  end(delivery, delivery.out != nullptr);
}

// False: the delivery has ended.
bool send(MirrorDelivery& delivery) {
  ngx_connection_t* const c = delivery.peer.connection;
  bool good = true;
  do {
    if (delivery.out == nullptr && delivery.h2 != nullptr) {
      good = queue_frames(*delivery.h2, delivery.body, c->pool, delivery.out);
    }
    if (!good || delivery.out == nullptr) break;
    delivery.out = c->send_chain(c, delivery.out, 0);
    good = delivery.out != NGX_CHAIN_ERROR;
  } while (good && delivery.out == nullptr && delivery.h2 != nullptr);
  if (good && ngx_handle_write_event(c->write, 0) == NGX_OK) return true;
  end(delivery, true);
  return false;
}

// Whether the answer has ended, well or not.
bool read_answer(MirrorDelivery& delivery, std::string_view bytes) {
  delivery.answer_bytes += bytes.size();
  if (delivery.answer_bytes >= kMaxAnswerBytes) {
    end(delivery, false);
    return true;
  }
  if (delivery.h2 == nullptr) return false;
  const bool good = delivery.h2->read(bytes);
  if (good && !delivery.h2->answered()) return false;
  end(delivery, !good);
  return true;
}

void on_read(ngx_event_t* event) {
  MirrorDelivery& delivery = delivery_of(event);
  ngx_connection_t* const c = delivery.peer.connection;
  std::array<u_char, 16384> answer;
  while (true) {
    const ssize_t bytes = c->recv(c, answer.data(), answer.size());
    if (bytes == NGX_AGAIN && ngx_handle_read_event(event, 0) == NGX_OK) break;
    if (bytes <= 0) {
      end(delivery, bytes < 0 || delivery.h2 != nullptr);
      return;
    }
    const std::string_view read(reinterpret_cast<const char*>(answer.data()),
                                static_cast<std::size_t>(bytes));
    if (read_answer(delivery, read)) return;
  }
  if (delivery.h2 != nullptr && delivery.out == nullptr) static_cast<void>(send(delivery));
}

void on_write(ngx_event_t* event) {
  static_cast<void>(send(delivery_of(event)));
}

void on_handshake(ngx_connection_t* c) {
  auto& delivery = *static_cast<MirrorDelivery*>(c->data);
  if (!c->ssl->handshaked) {
    end(delivery, true);
    return;
  }
  c->read->handler = on_read;
  c->write->handler = on_write;
  if (send(delivery) && c->read->ready) {
    ngx_post_event(c->read, &ngx_posted_events);
  }
}

// The first event of a connection that TLS secures.
void on_connected(ngx_event_t* event) {
  MirrorDelivery& delivery = delivery_of(event);
  ngx_connection_t* const c = delivery.peer.connection;
  if (c->ssl == nullptr && !delivery.tls->begin(c)) {
    end(delivery, true);
    return;
  }
  const ngx_int_t shaken = ngx_ssl_handshake(c);
  if (shaken == NGX_AGAIN) {
    c->ssl->handler = on_handshake;
  } else {
    on_handshake(c);
  }
}

// Sending changes the buffers, and several mirrors send the same bytes.
bool copy_chain(const ngx_chain_t* from, ngx_pool_t* pool, ngx_chain_t** to) {
  for (; from != nullptr; from = from->next) {
    ngx_chain_t* const link = ngx_alloc_chain_link(pool);
    auto* const buf = static_cast<ngx_buf_t*>(ngx_alloc_buf(pool));
    if (link == nullptr || buf == nullptr) return false;
    *buf = *from->buf;
    *link = {buf, nullptr};
    *to = link;
    to = &link->next;
  }
  return true;
}

ngx_int_t get_peer(ngx_peer_connection_t*, void*) {
  return NGX_OK;
}

u_char* describe(ngx_log_t* log, u_char* buffer, std::size_t bytes) {
  const auto* const delivery = static_cast<const MirrorDelivery*>(log->data);
  return ngx_snprintf(buffer, bytes, " while copying a request to the mirror %V", &delivery->name);
}

bool address(MirrorDelivery& delivery, const balance::Target& target, ngx_pool_t* pool) {
  delivery.name.data = static_cast<u_char*>(ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN));
  delivery.peer.socklen = endpoint::to_address(target, delivery.address);
  if (delivery.name.data == nullptr || delivery.peer.socklen == 0) return false;
  delivery.peer.sockaddr = reinterpret_cast<sockaddr*>(&delivery.address);
  delivery.name.len = ngx_sock_ntop(delivery.peer.sockaddr, delivery.peer.socklen,
                                    delivery.name.data, NGX_SOCKADDR_STRLEN, 1);
  delivery.peer.name = &delivery.name;
  return true;
}

}  // namespace

bool deliver_mirror(MirrorDelivery& delivery, const MirrorChoice& choice,
                    const ngx_chain_t* request, ngx_pool_t* pool) {
  if (!address(delivery, choice.target, pool) || !copy_chain(request, pool, &delivery.out))
    return false;
  delivery.log = *ngx_cycle->log;
  delivery.log.handler = describe;
  delivery.log.data = &delivery;
  delivery.peer.get = get_peer;
  delivery.peer.log = &delivery.log;
  delivery.peer.log_error = NGX_ERROR_INFO;  // the owner says so, once a second
  const ngx_int_t connected = ngx_event_connect_peer(&delivery.peer);
  if (connected != NGX_OK && connected != NGX_AGAIN) {
    if (delivery.peer.connection != nullptr) ngx_close_connection(delivery.peer.connection);
    return false;
  }
  ngx_connection_t* const c = delivery.peer.connection;
  c->data = &delivery;
  c->pool = pool;
  c->read->handler = choice.tls == nullptr ? on_read : on_connected;
  c->write->handler = choice.tls == nullptr ? on_write : on_connected;
  delivery.tls = choice.tls;
  if (delivery.tls != nullptr) delivery.tls->hold();
  delivery.deadline.data = &delivery;
  delivery.deadline.log = &delivery.log;
  delivery.deadline.handler = on_deadline;
  ngx_add_timer(&delivery.deadline, kMirrorLifeMs);
  // Not from here: an error would end what the caller still holds.
  if (connected == NGX_OK) {
    ngx_post_event(c->write, &ngx_posted_events);
  }
  return true;
}

}  // namespace sluice::http_module
