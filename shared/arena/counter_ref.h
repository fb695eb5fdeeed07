// A line of the file `counters` as the table names it, and the way to it in a worker's mapping.
//
// Process: all.   Never trusts the file's size.
// Tested by: test/unit/ngx_module/balance/failure_memory_test.cc, test/e2e/test_stream_counters.py
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/arena/shared_word.h"

namespace sluice::arena {

struct CounterRef {
  std::uint32_t line = 0;
  std::uint32_t incarnation = 0;  // 0: none
  bool operator==(const CounterRef&) const = default;
};

// Null: there is none, it lies outside the file, or it belongs to another one now.
template <class Counter>
Counter* find_counter(std::span<std::byte> file, CounterRef ref) {
  static_assert(offsetof(Counter, incarnation) == 0);
  if (ref.incarnation == 0 || ref.line >= file.size() / sizeof(Counter)) return nullptr;
  auto* const counter = reinterpret_cast<Counter*>(file.data()) + ref.line;
  const std::uint32_t owner = load_word(counter->incarnation, std::memory_order_relaxed);
  return owner == ref.incarnation ? counter : nullptr;
}

}  // namespace sluice::arena
