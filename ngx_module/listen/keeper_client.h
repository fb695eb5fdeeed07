// A worker's end of the keeper connection: says what the worker holds and has done, hears which
// sockets to serve. Nothing on a request's path waits for it.
//
// Process: nginx worker.   Thread: event loop.   Allocates: heap, per message.
// Protocol: shared/keeper/message.h.   Fails: silently; connected() turns false and the owner
// connects again. Tested by: test/e2e/test_listeners.py
#pragma once

#include <string_view>

#include "ngx_module/listen/nginx.h"
#include "shared/keeper/message.h"

namespace sluice::listen {

class KeeperClient {
 public:
  class Owner {
   public:
    virtual void on_keeper_message(keeper::Message& message) = 0;

   protected:
    ~Owner() = default;
  };

  explicit KeeperClient(Owner& owner) : owner_(owner) {}

  KeeperClient(const KeeperClient&) = delete;
  KeeperClient& operator=(const KeeperClient&) = delete;

  bool connected() const { return connection_ != nullptr; }

  bool connect(std::string_view path, ngx_cycle_t* cycle);
  void disconnect();

  // Disconnects when the keeper does not read any more.
  void say(std::string_view verb,
           std::initializer_list<std::pair<std::string_view, std::string_view>> values,
           int fd = -1);

 private:
  static void on_readable(ngx_event_t* event);
  void read_messages();

  Owner& owner_;
  ngx_connection_t* connection_ = nullptr;
};

}  // namespace sluice::listen
