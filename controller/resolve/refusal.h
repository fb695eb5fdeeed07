// Why a condition is False (or, for Conflicted, True).
#pragma once

#include <string>

namespace sluice::resolve {

struct Refusal {
  std::string reason;
  std::string message;
  bool operator==(const Refusal&) const = default;
};

}  // namespace sluice::resolve
