// What the keeper knows of one connected worker.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/keeper/keeper.h"
#include "controller/keeper/listen.h"
#include "controller/resolve/delta.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

struct Worker {
  UniqueFd connection;
  WorkerInfo info;
  bool greeted = false;          // said "ready": counts from then on
  std::uint64_t greeted_as = 0;  // later ones have higher numbers
  bool fresh = true;             // has not opened all that is wanted yet, since it greeted
  bool blocked = false;          // its queue is full: go on when it can be written to
  bool told_secrets = false;
  std::uint64_t told_generation = 0;
  std::optional<std::uint64_t> owes_since_ms;  // an acknowledgement

  std::set<resolve::Socket> statics;    // of nginx.conf, with sluice_pass
  std::map<Port, std::uint64_t> given;  // told to serve, or said that it does; later: higher
  std::set<Port> opened;                // of `given`: serves
  std::set<Port> dropping;              // to be told to drop
  // Of UDP, told to drop: may be read until it says "dropped", or until that time.
  std::map<Port, std::uint64_t> leaving_until_ms;
  std::map<Port, std::string> failed;  // of `given`: why it could not
  std::uint64_t failed_retry_ms = 0;

  bool counts() const { return greeted && !info.left_out; }

  bool takes_listeners() const { return greeted && info.listeners_on; }
};

}  // namespace sluice::keeper
