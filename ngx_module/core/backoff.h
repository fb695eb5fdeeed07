// When an answer is followed by another try, and how long a request waits before it.
//
// The first pause is the rule's back-off; each further one is twice as long, up to kMaxGrowth times
// the first. Up to half a pause is added by lot, so that requests that failed together do not come
// back together.
//
// Process: nginx worker.   Allocates: nothing.   Spec: gateway-api v1 HTTPRouteRetry
// Tested by: test/unit/ngx_module/core/backoff_test.cc
#pragma once

#include <algorithm>
#include <cstdint>

#include "shared/table/format.h"

namespace sluice::core {

inline constexpr std::uint32_t kMaxGrowth = 8;
inline constexpr std::uint32_t kLongestPauseMs = 60 * 60 * 1000;

// `retries`: made before this one. `draw`: uniform over 32 bits.
constexpr std::uint32_t pause_ms(std::uint32_t base_ms, std::uint32_t retries, std::uint32_t draw) {
  const std::uint64_t growth = retries < 3 ? std::uint64_t{1} << retries : kMaxGrowth;
  const std::uint64_t pause = std::min<std::uint64_t>(base_ms * growth, kLongestPauseMs);
  return static_cast<std::uint32_t>(pause + ((pause / 2 * draw) >> 32));
}

static_assert(1U << 3 == kMaxGrowth);

// Whether the rule retries an answer with this status.
constexpr bool retries_status(const table::Retry& retry, std::uint64_t status) {
  if (status < 400 || status > 599) return false;
  const std::uint64_t bit = status - 400;
  return ((retry.statuses[bit / 8] >> (bit % 8)) & 1) != 0;
}

}  // namespace sluice::core
