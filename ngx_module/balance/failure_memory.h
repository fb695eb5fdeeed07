// Remembers over all workers that an endpoint could not be connected to: it is tried last for 1 s,
// and twice as long for each further failure in a row, at most 10 s.
//
// Process: nginx worker.   Thread: event loop; other workers write the same lines (relaxed atomics:
// a lost update shortens or lengthens a pause, nothing more).   Allocates: nothing.
// Tested by: test/unit/ngx_module/balance/failure_memory_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/arena/counter_ref.h"

namespace sluice::arena {
class ReadMapping;
}

namespace sluice::balance {

using arena::CounterRef;

struct Load {
  std::uint32_t active = 0;
  bool failed_lately = false;
};

// The counters as far as `counter`'s line, where the file is that long.
std::span<std::byte> counters_of(arena::ReadMapping& mapping, CounterRef counter);

// Of a line that belongs to another address now: nothing running, no failure.
Load load_of(std::span<std::byte> counters, CounterRef counter, std::uint64_t now_ms);

void note_failure(std::span<std::byte> counters, CounterRef counter, std::uint64_t now_ms);
void note_success(std::span<std::byte> counters, CounterRef counter);

}  // namespace sluice::balance
