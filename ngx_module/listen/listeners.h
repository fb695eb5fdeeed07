// Listeners opened at run time in one worker: a socket that the keeper gave (or that the worker
// bound itself) with the behaviour of a template server of nginx.conf.
//
// Workers share one accept queue, so that no connection is lost when one of them ends. A closed
// listener's record stays: connections it accepted point at it until they end, and it serves again
// when the same socket comes back.
//
// Process: nginx worker.   Thread: event loop.   Allocates: heap, bounded by the number of distinct
// sockets ever opened. Fails: open() with the reason for people; the descriptor is closed then.
// Tested by: test/e2e/test_listeners.py
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/clone.h"
#include "ngx_module/listen/core_conf.h"
#include "ngx_module/listen/nginx.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::listen {

struct Listener {
  ngx_listening_t accepting;  // first: c->listening of a new connection leads to the Listener
  HttpClone http;
  HttpClone http2;  // there: the first bytes decide
  HttpClone https;
  StreamClone tcp;
  StreamClone tls_terminate;
  sockaddr_storage address;
  table::SocketKey key;
  core::SocketName name;
  ngx_connection_t* connection;  // null: closed
};

static_assert(offsetof(Listener, accepting) == 0);

// What the table says now of connections to a socket; all zero while it says nothing.
table::Group group_of(const table::SocketKey& socket);

class Listeners {
 public:
  explicit Listeners(const CoreConf& conf) : conf_(conf) {}

  // Serves `fd`, which listens already. Nothing happens when its address is served.
  Result<void> open(UniqueFd fd, ngx_cycle_t* cycle);
  // Accepts what waits in the queue, then closes. Running requests go on.
  void drain_and_close(std::string_view name);

  bool has(std::string_view name) const;

  template <class Visit>
  void for_each_open(Visit&& visit) const {
    for (const auto& listener : listeners_) {
      if (listener->connection != nullptr) visit(listener->name.text(), listener->connection->fd);
    }
  }

 private:
  Listener* find(std::string_view name) const;
  Result<void> start(Listener& listener, UniqueFd fd, ngx_cycle_t* cycle);

  const CoreConf& conf_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace sluice::listen
