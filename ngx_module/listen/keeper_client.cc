#include "ngx_module/listen/keeper_client.h"

#include <sys/un.h>

#include <cstring>

namespace sluice::listen {

bool KeeperClient::connect(std::string_view path, ngx_cycle_t* cycle) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  ngx_connection_t* const c = ngx_get_connection(fd.get(), cycle->log);
  if (c == nullptr) return false;
  fd.release();
  c->data = this;
  c->log = cycle->log;
  c->read->log = c->write->log = cycle->log;
  c->read->handler = on_readable;
  c->idle = 1;  // graceful exit closes it
  if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
    ngx_close_connection(c);
    return false;
  }
  connection_ = c;
  return true;
}

void KeeperClient::disconnect() {
  if (connection_ == nullptr) return;
  connection_->idle = 0;
  ngx_close_connection(connection_);
  connection_ = nullptr;
}

void KeeperClient::say(std::string_view verb,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> values,
                       int fd) {
  if (connection_ == nullptr) return;
  keeper::Message message;
  message.verb = verb;
  for (const auto& [key, value] : values)
    message.values.emplace_back(key, value);
  if (!keeper::send(connection_->fd, message, fd)) disconnect();
}

void KeeperClient::on_readable(ngx_event_t* event) {
  auto* const c = static_cast<ngx_connection_t*>(event->data);
  auto* const client = static_cast<KeeperClient*>(c->data);
  if (c->close || ngx_exiting) {
    client->disconnect();
    return;
  }
  client->read_messages();
}

void KeeperClient::read_messages() {
  while (connection_ != nullptr) {
    keeper::Message message;
    switch (keeper::receive(connection_->fd, message)) {
      case keeper::Received::kMessage:
        owner_.on_keeper_message(message);
        break;
      case keeper::Received::kClosed:
        disconnect();
        return;
      case keeper::Received::kNothing:
        connection_->read->ready = 0;
        if (ngx_handle_read_event(connection_->read, 0) != NGX_OK) disconnect();
        return;
    }
  }
}

}  // namespace sluice::listen
