// Arithmetic on untrusted sizes: 64 bits, never wraps, so that a corrupt number is refused instead
// of pointing somewhere else.
// Process: all.   Thread: any.   Tested by: test/unit/shared/base/bytes_test.cc
#pragma once

#include <cstdint>

namespace sluice {

// Whether `count` elements of `size` bytes that start at `offset` end at or before `limit`.
constexpr bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t size,
                    std::uint64_t limit) {
  if (offset > limit) return false;
  return size == 0 || count <= (limit - offset) / size;
}

// REQUIRES: alignment is a power of two; value is at most 2^63.
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace sluice
