// Writes what a rule does: its route, its backends and their shares of the requests.
// Process: controller.   Thread: event loop.   Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/arena/counter_ref.h"
#include "shared/table/rules.h"
#include "shared/table/transaction.h"

namespace sluice::table {

class EndpointTable;

struct Threshold {
  std::size_t share;   // index into the shares
  std::uint32_t most;  // the highest draw, of 32 bits, that chooses it
};

// One for each share with a weight; the last one's is 0xffffffff.
std::vector<Threshold> thresholds(std::span<const Share> shares);

// One blob: Action, BackendShare[], texts, filters, Retry. `counter`: of the route, or none. Fails:
// in the transaction.
Blob write_action(Transaction& tx, EndpointTable& endpoints, const RuleAction& action,
                  arena::CounterRef counter);

}  // namespace sluice::table
