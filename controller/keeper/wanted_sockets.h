// Which sockets the listeners that are served need open, kept up to date change by change.
//
// Pure.   Tested by: test/unit/controller/keeper/wanted_sockets_test.cc
#pragma once

#include <map>
#include <set>
#include <vector>

#include "controller/resolve/delta.h"

namespace sluice::keeper {

class WantedSockets {
 public:
  // True when the set changed.
  bool apply(const resolve::Delta& delta);

  const std::set<resolve::Socket>& all() const { return all_; }

 private:
  std::map<resolve::ListenerKey, std::vector<resolve::Socket>> listeners_;
  std::set<resolve::Socket> all_;
};

}  // namespace sluice::keeper
