// Running requests per endpoint: the shared count, and each worker's own share of it.
//
// A worker raises the shared count before its own and lowers it after its own, so that a SIGKILL
// between the two leaves the shared count too high by one, never too low: a count below the truth
// would wrap when the others finish.
// The own counts are a hash table with a fixed window of places per line and no chains, so nothing
// has to be moved when a place becomes free.
//
// Process: nginx worker; settle_counts() also the controller.   Allocates: nothing.
// Tested by: test/unit/shared/arena/active_counts_test.cc
#pragma once

#include <cstdint>
#include <span>

#include "shared/arena/layout.h"

namespace sluice::arena {

// Returns false, and counts nothing, when the window of this line is full or the line isn't there.
bool raise_count(WorkerSlot& own, std::span<EndpointCounter> counters, std::uint32_t line);
void lower_count(WorkerSlot& own, std::span<EndpointCounter> counters, std::uint32_t line);
// Takes all own counts of a worker that is gone out of the shared ones.
void settle_counts(WorkerSlot& own, std::span<EndpointCounter> counters);

}  // namespace sluice::arena
