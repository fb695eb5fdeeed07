// The write side of Tab: builds one, and changes one by copying the lines that change.
//
// Up to 64 lines are one run, copied whole; above that a directory leads to pages of 64 lines, and
// a change copies the directory and the pages it touches. A key lies in the first line with room
// from line_of(hash) on; a full line on the way is marked as overflowing. A key that finds no room
// within kMaxProbes lines, and a table that got too full or far too empty, makes all lines be
// written again, which needs every key: the only step whose cost grows with the table.
//
// Process: controller.   Thread: event loop.   Read by: shared/table/tab.h
// Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "shared/table/format.h"
#include "shared/table/transaction.h"

namespace sluice::table {

struct TabKey {
  std::uint64_t hash;
  Offset offset;
};

// `from` 0: a new key. `to` 0: the key goes.
struct TabChange {
  std::uint64_t hash;
  Offset from;
  Offset to;
};

// Lines that hold all `keys`; empty when too many keys share a hash to be found by kMaxProbes.
std::vector<Line> build_lines(std::span<const TabKey> keys);

// Applies `changes`. `all` returns the keys as they are after the changes; it is asked only when
// all lines are written again. Fails: kFull, in the transaction.
void update_tab(Transaction& tx, TabSlot& slot, std::span<const TabChange> changes,
                const std::function<std::vector<TabKey>()>& all);

}  // namespace sluice::table
