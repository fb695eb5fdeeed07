#include "controller/kube/backoff.h"

#include <algorithm>

namespace sluice::kube {

std::uint64_t Backoff::next_ms() {
  constexpr unsigned kDoublings = 6;  // until kLongestMs
  const std::uint64_t whole = std::min(kFirstMs << std::min(tries_, kDoublings), kLongestMs);
  ++tries_;
  return between(whole / 2, whole);
}

}  // namespace sluice::kube
