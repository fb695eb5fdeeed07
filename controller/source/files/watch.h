// inotify on directories: what happened to which name.
//
// Only completed changes are asked for: CLOSE_WRITE, moves, deletes, creates (of directories and
// links; a created regular file says CLOSE_WRITE later), attributes (a file became readable); never
// MODIFY.
//
// Process: controller.   Thread: event loop.   Fails: add() says false where changes cannot be seen
// (network and FUSE mounts, no watches left): poll there.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::source {

struct WatchEvent {
  std::string directory;  // as given to add()
  std::string name;       // "" for the directory itself
  std::uint32_t mask = 0;
  std::uint32_t cookie = 0;
};

struct WatchNews {
  std::vector<WatchEvent> events;
  bool overflow = false;  // events were lost: look at everything
};

class Watch {
 public:
  static Result<Watch> open();

  int fd() const { return fd_.get(); }

  bool add(const std::string& directory);
  // Stops watching `directory` and what is below it: a watch follows its directory, wherever that
  // moves.
  void remove_below(const std::string& directory);

  WatchNews drain();

 private:
  void read_events(const char* at, const char* end, WatchNews& news);
  void forget(int descriptor);

  UniqueFd fd_;
  std::map<int, std::set<std::string>> directories_;  // one inode may have several names
  std::map<std::string, int> descriptors_;
};

}  // namespace sluice::source
