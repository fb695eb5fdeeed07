// What a hostname of a Backend stands for now: an input of resolving, as objects are.
#pragma once

#include <string>
#include <vector>

namespace sluice::model {

// addresses: canonical IPv4 and IPv6 text, sorted; none: nothing is known of the name (any more).
struct HostAnswer {
  std::string hostname;
  std::vector<std::string> addresses;
  bool operator==(const HostAnswer&) const = default;
};

}  // namespace sluice::model
