// Owns the listening sockets: opens them, hands them to workers, adopts back what workers hold,
// collects acknowledgements.
//
// Rules: SO_REUSEPORT on every socket (wildcard and specific addresses coexist), IPv6 is V6ONLY.
// Never probe by binding: a socket that is in LISTEN state already (/proc/net/tcp, exact address)
// is waited for; a worker's `have` brings it. A static listen of nginx.conf counts as served and is
// never opened. A UDP address has one socket for each worker, each read by one worker alone; those
// of a worker that ends go to others at once, with what they have queued; an nginx that starts is
// waited for, at most 2 s, so that each of its workers gets its own. A worker silent for 5 s after
// a wake-up is left out of the acknowledgement, with a message; an exiting one is not waited for.
// With no worker for 10 s all sockets are closed, so that clients are refused.
//
// Process: controller.   Thread: event loop (fd() is an epoll of its own; poll() handles what is
// ready). Protocol: shared/keeper/message.h.   Tested by:
// test/unit/controller/keeper/keeper_test.cc, test/e2e/test_listeners.py
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/keeper/listen.h"
#include "controller/resolve/delta.h"
#include "controller/status/status.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

struct WorkerInfo {
  std::uint32_t pid = 0;
  std::uint32_t slot = 0;
  std::string instance;
  std::string module_version;
  bool listeners_on = false;
  std::uint32_t workers = 1;  // of its instance
  bool left_out = false;      // silent for too long
  std::uint64_t acknowledged = 0;
  std::uint64_t warm_patterns = 0;
};

class Keeper {
 public:
  // Binds the Unix socket (0660, `gid`); a leftover of a dead predecessor is replaced.
  // `binding`: of the listening sockets.
  static Result<std::unique_ptr<Keeper>> open(const std::string& socket_path, std::uint32_t gid,
                                              Binding binding = Binding::kOwnAddresses);
  ~Keeper();

  int fd() const;
  int timeout_ms(std::uint64_t now_ms) const;
  // True when acknowledgements, workers or sockets changed.
  bool poll(std::uint64_t now_ms);

  // The sockets that must be open from now on; others drain and close.
  void want(const std::set<resolve::Socket>& sockets, std::uint64_t now_ms);
  // What every worker gets at its greeting, to read certificates by.
  void hand_out_secrets(UniqueFd file);

  // Wakes every worker up for a generation.
  void announce(std::uint64_t generation, std::uint64_t now_ms);

  status::DataPlane data_plane() const;
  std::vector<WorkerInfo> workers() const;
  bool all_warm(std::uint64_t pattern_generation) const;
  // Every UDP socket is read by all workers that are to read it, and none is about to change hands:
  // with another worker its clients get new sessions.
  bool shares_settled() const;
  // Messages for people since the last call: a port that can't be opened, a silent worker ...
  std::vector<std::string> take_news();

 private:
  struct State;
  explicit Keeper(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::keeper
