// The listening sockets that the keeper holds: which are wanted, which are open, why others are
// not.
//
// Knows no workers: keeper.cc says when to open, adopt and close. A socket that somebody else has
// in LISTEN state is waited for, never bound beside: its holder is a worker that will bring it, or
// one that is about to close it, or a stranger.
//
// Process: controller.   Thread: event loop.   Owns: the descriptors. Tested by:
// test/unit/controller/keeper/keeper_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/keeper/listen.h"
#include "controller/resolve/delta.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

class Ports {
 public:
  enum class Adoption {
    kTaken,    // ours now
    kSame,     // the very socket that is held already
    kOther,    // another socket of that address: its holder must drop it
    kUseless,  // not a listening socket of that address
  };

  explicit Ports(Binding binding) : binding_(binding) {}

  void want(const std::set<resolve::Socket>& sockets);

  // False until the first want(): then nothing is unwanted yet.
  bool wanted_known() const { return known_; }

  const std::set<resolve::Socket>& wanted() const { return wanted_; }

  // Sockets that nginx.conf serves itself: never opened, and closed where they are held.
  void leave_to_nginx(std::set<resolve::Socket> statics);
  bool left_to_nginx(const resolve::Socket& socket) const;
  // Wanted, and not nginx's own.
  bool ours(const resolve::Socket& socket) const;

  Adoption adopt(const resolve::Socket& socket, UniqueFd fd);
  // Opens what is ours and due. True when a socket opened or the reason why it can't changed.
  bool open_due(std::uint64_t now_ms);
  // True when it closed any.
  bool close_unwanted();
  bool close_all();

  int fd_of(const resolve::Socket& socket) const;  // -1: not held

  bool holds_any() const { return !held_.empty(); }

  std::map<resolve::Socket, std::string> failures() const;
  std::optional<std::uint64_t> next_attempt_ms() const;

  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  struct Attempt {
    std::uint64_t first_ms = 0;
    std::uint64_t next_ms = 0;
    std::string error;  // "": still waiting for the holder, without alarm
  };

  bool try_open(const resolve::Socket& socket, bool taken, std::uint64_t now_ms);

  Binding binding_;
  bool known_ = false;
  std::set<resolve::Socket> wanted_;
  std::set<resolve::Socket> statics_;
  std::map<resolve::Socket, UniqueFd> held_;
  std::map<resolve::Socket, Attempt> attempts_;  // of wanted sockets that are not open
  std::vector<std::string> news_;
};

}  // namespace sluice::keeper
