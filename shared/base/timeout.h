// Waits as epoll_wait() takes them: milliseconds, -1 for ever.
//
// Pure.
// Tested by: test/unit/shared/base/timeout_test.cc
#pragma once

#include <algorithm>
#include <climits>
#include <cstdint>

namespace sluice {

inline constexpr int kForEver = -1;

inline int sooner(int left, int right) {
  if (left < 0) return right;
  return right < 0 ? left : std::min(left, right);
}

// 0 when `at_ms` is past.
inline int timeout_until(std::uint64_t at_ms, std::uint64_t now_ms) {
  if (at_ms <= now_ms) return 0;
  return static_cast<int>(std::min<std::uint64_t>(at_ms - now_ms, INT_MAX));
}

}  // namespace sluice
