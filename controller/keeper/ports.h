// The listening sockets that the keeper holds: which are wanted, which are open, why others are
// not.
//
// Knows no workers: keeper.cc says when to open, adopt and close. A socket that somebody else has
// in LISTEN state (or, of UDP, bound) is waited for, never bound beside: its holder is a worker
// that will bring it, or one that is about to close it, or a stranger.
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

  // How many workers share the clients of a UDP address. Fewer than before change nothing: with one
  // socket less the kernel would send most clients to other workers.
  void share_among(std::uint32_t workers);

  // False until the first want(): then nothing is unwanted yet.
  bool wanted_known() const { return known_; }

  const std::set<Port>& wanted() const { return wanted_; }

  // Sockets that nginx.conf serves itself: never opened, and closed where they are held.
  void leave_to_nginx(std::set<resolve::Socket> statics);
  bool left_to_nginx(const resolve::Socket& socket) const;
  // Wanted, and not nginx's own.
  bool ours(const Port& port) const;

  Adoption adopt(const Port& port, UniqueFd fd);
  // Opens what is ours and due. True when a socket opened or the reason why it can't changed.
  bool open_due(std::uint64_t now_ms);
  // True when it closed any.
  bool close_unwanted();
  bool close_all();

  int fd_of(const Port& port) const;  // -1: not held

  bool holds_any() const { return !held_.empty(); }

  std::map<Port, std::string> failures() const;
  std::optional<std::uint64_t> next_attempt_ms() const;

  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  struct Attempt {
    std::uint64_t first_ms = 0;
    std::uint64_t next_ms = 0;
    std::string error;  // "": still waiting for the holder, without alarm
  };

  void list_wanted();
  std::size_t held_at(const resolve::Socket& socket) const;
  bool try_open(const Port& port, bool taken, std::uint64_t now_ms);

  Binding binding_;
  bool known_ = false;
  std::uint32_t shares_ = 1;
  std::set<resolve::Socket> sockets_;  // wanted
  std::set<Port> wanted_;
  std::set<resolve::Socket> statics_;
  std::map<Port, UniqueFd> held_;
  std::map<Port, Attempt> attempts_;  // of wanted ports that are not open
  std::vector<std::string> news_;
};

}  // namespace sluice::keeper
