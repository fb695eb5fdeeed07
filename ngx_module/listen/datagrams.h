// UDP sockets in one worker: the keeper's, with the behaviour of the template `unix:sluice-udp`.
//
// nginx keeps the sessions of a socket (one for each client address) in the worker that reads it,
// so each socket is read by one worker. One that is given to another worker is read no more here;
// its sessions go on until they end, and then it is closed. A worker with few connections left ends
// the sessions that began first.
//
// Process: nginx worker.   Thread: event loop.   Allocates: heap, bounded by the sockets that are
// read or have sessions. Fails: open() with the reason for people; the descriptor is closed then.
// Tested by: test/e2e/test_udp_routes.py
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ngx_module/listen/clone.h"
#include "ngx_module/listen/core_conf.h"
#include "ngx_module/listen/nginx.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/table/editor.h"

namespace sluice::listen {

// Of the keeper's names for what is read here.
inline constexpr std::string_view kDatagramPrefix = "udp/";

// Of a client, as nginx does when its time for a graceful exit is over.
void end_session(ngx_connection_t* c);

class Datagrams {
 public:
  explicit Datagrams(const CoreConf& conf) : conf_(conf) {}

  // Reads `fd`. Nothing happens when a socket of that name is read.
  Result<void> open(std::string_view name, UniqueFd fd, ngx_cycle_t* cycle);
  void stop_reading(std::string_view name);
  // Closes what is not read and has no sessions any more.
  void close_ended();
  // For a worker that exits: nginx's proxy sends nothing to UDP clients any more then.
  void end_sessions();

  template <class Visit>
  void for_each_open(Visit&& visit) const {
    for (const auto& socket : sockets_) {
      if (socket->connection != nullptr) visit(std::string_view(socket->name), socket->fd.get());
    }
  }

 private:
  struct Socket;

  struct Accepting {
    ngx_listening_t listening;  // first: c->listening of a session leads to the Socket
    Socket* socket;
  };

  struct Socket {
    Accepting accepting;
    StreamClone clone;             // of the template; its servers are the sessions'
    ngx_connection_t* connection;  // null: not read here
    ngx_queue_t sessions;
    sockaddr_storage address;
    table::SocketKey key;
    std::string name;  // "udp/0.0.0.0:5300/2"
    std::string text;  // "0.0.0.0:5300"
    UniqueFd fd;
  };

  static void on_datagram(ngx_event_t* event);
  static void on_session(ngx_connection_t* c);
  static void stop_reading(Socket& socket);
  static Result<void> start_reading(Socket& socket, ngx_cycle_t* cycle);
  Result<Socket*> make(std::string_view name, UniqueFd fd);
  Socket* find(std::string_view name) const;

  const CoreConf& conf_;
  std::vector<std::unique_ptr<Socket>> sockets_;
};

}  // namespace sluice::listen
