// A worker's side of the keeper connection, for tests: speaks shared/keeper/message.h over a real
// Unix socket.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "controller/keeper/keeper.h"
#include "controller/keeper/listen.h"
#include "shared/keeper/message.h"

namespace sluice::keeper {

class FakeWorker {
 public:
  static constexpr int kWorkers = 2;  // that its nginx is to have

  // Connects; nothing is said yet.
  explicit FakeWorker(const std::string& path) {
    connection_ = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!connection_) {
      ADD_FAILURE() << std::strerror(errno);
      return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(
        ::connect(connection_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
        0)
        << std::strerror(errno);
  }

  void say(std::string verb, std::vector<std::pair<std::string, std::string>> values = {},
           int fd = -1) {
    Message message;
    message.verb = std::move(verb);
    message.values = std::move(values);
    EXPECT_TRUE(send(connection_.get(), message, fd));
  }

  void hello(int pid, bool listeners = true) {
    say("hello", {{"version", "0.1.0"},
                  {"instance", "1-1"},
                  {"pid", std::to_string(pid)},
                  {"slot", std::to_string(pid)},
                  {"workers", std::to_string(kWorkers)},
                  {"listeners", listeners ? "on" : "off"}});
  }

  void greet(int pid, bool listeners = true) {
    hello(pid, listeners);
    say("ready");
  }

  // Reads what has come; gives are remembered in `sockets` and answered with "opened".
  void read() {
    Message message;
    while (receive(connection_.get(), message) == Received::kMessage) {
      const std::string name(message.value("socket"));
      heard.push_back(encode(message));
      if (message.verb == "give") {
        sockets[name] = std::move(message.fd);
        if (answer_opened) say("opened", {{"socket", name}});
      } else if (message.verb == "drop") {
        sockets.erase(name);
        if (answer_dropped && name.starts_with("udp/")) say("dropped", {{"socket", name}});
      } else if (message.verb == "generation") {
        generation = std::stoull(std::string(message.value("generation")));
      }
    }
  }

  void acknowledge(std::uint64_t value) { say("ack", {{"generation", std::to_string(value)}}); }

  // Late, of everything that it was told to drop.
  void say_dropped() {
    const std::string command = "drop socket=";
    for (const std::string& message : heard) {
      if (message.starts_with(command)) {
        say("dropped", {{"socket", message.substr(command.size())}});
      }
    }
  }

  void leave() { connection_.reset(); }

  std::map<std::string, UniqueFd> sockets;
  std::vector<std::string> heard;
  std::uint64_t generation = 0;
  bool answer_opened = true;
  bool answer_dropped = true;

 private:
  UniqueFd connection_;
};

// An address of 127.0.0.1 that was free a moment ago.
inline resolve::Socket free_socket(resolve::Transport transport) {
  Result<UniqueFd> fd = open_listening({"127.0.0.1", 0, transport});
  EXPECT_TRUE(fd);
  return listening_address(fd->get()).value_or(resolve::Socket{});
}

inline std::uint16_t free_port() {
  return free_socket(resolve::Transport::kTcp).port;
}

inline bool can_connect(const resolve::Socket& target) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  EXPECT_EQ(::inet_pton(AF_INET, target.address.c_str(), &address.sin_addr), 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace sluice::keeper
