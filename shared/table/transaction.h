// What one commit writes: new blobs that no reader sees yet, and the blobs they replace.
//
// A Slot is the place of one blob of the table, on the heap: what is published, and what the
// running commit put there. keep() makes the commit's blobs the published ones and retires those
// they replace; undo() gives all that was written back and leaves every Slot as it was. The first
// failure sticks: later writes do nothing and return no blob, so that writers need not ask each
// time, only failed() before they keep().
//
// A commit of kind kMove writes the whole table into the arena's other segment: nothing that is
// published counts as written, and keep() retires nothing, for the old segment goes as a whole.
//
// Process: controller.   Thread: event loop.   Owns: nothing; borrows the Arena and, until keep()
// or undo(), the Slots.   Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/base/result.h"
#include "shared/table/format.h"

namespace sluice::table {

struct Blob {
  Offset offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t alignment = 8;
};

class Slot {
  friend class Transaction;
  Blob live_;
  Blob staged_;
  bool changed_ = false;
};

// The same for a Tab. Its lines are blobs of their own: shared/table/tab_writer.h.
class TabSlot {
  friend class Transaction;
  Tab live_{};
  Tab staged_{};
  bool changed_ = false;
};

class Transaction {
 public:
  enum class Kind { kChange, kMove };

  Transaction(arena::Arena& arena, Kind kind) : arena_(arena), kind_(kind) {}

  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  bool moves() const { return kind_ == Kind::kMove; }

  // What this commit wrote into the slot, or else what is published there and stays. 0: nothing.
  Offset offset(const Slot& slot) const;
  Tab tab(const TabSlot& slot) const;

  // A new blob with a copy of `content`; offset 0 when there is no room.
  Blob write(std::span<const std::byte> content, std::uint32_t alignment);

  // The bytes of a blob of this commit (to be filled) or of the published table (to be read).
  std::byte* bytes(Offset offset) { return arena_.at<std::byte>(offset); }

  // Puts `fresh` into `slot`; Blob{} empties it.
  void replace(Slot& slot, const Blob& fresh);
  void replace(TabSlot& slot, const Tab& fresh);

  // This blob is not in the table that keep() leads to.
  void retire(const Blob& blob) { arena_.retire(blob.offset, blob.bytes, blob.alignment); }

  void fail(Error error);

  bool failed() const { return failed_; }

  const Error& error() const { return error_; }

  // REQUIRES: the root is published next.
  void keep();
  void undo();

 private:
  arena::Arena& arena_;
  Kind kind_;
  std::vector<Slot*> slots_;
  std::vector<TabSlot*> tabs_;
  bool failed_ = false;
  Error error_;
};

}  // namespace sluice::table
