#include "shared/table/transaction.h"

#include <cstring>
#include <utility>

namespace sluice::table {

Offset Transaction::offset(const Slot& slot) const {
  if (slot.changed_) return slot.staged_.offset;
  return moves() ? 0 : slot.live_.offset;
}

Tab Transaction::tab(const TabSlot& slot) const {
  if (slot.changed_) return slot.staged_;
  return moves() ? Tab{} : slot.live_;
}

Blob Transaction::write(std::span<const std::byte> content, std::uint32_t alignment) {
  if (failed_) return {};
  Result<Offset> offset = arena_.allocate(content.size(), alignment);
  if (!offset) {
    fail(std::move(offset.error()));
    return {};
  }
  std::memcpy(bytes(*offset), content.data(), content.size());
  return {*offset, static_cast<std::uint32_t>(content.size()), alignment};
}

void Transaction::replace(Slot& slot, const Blob& fresh) {
  if (slot.changed_) {
    if (slot.staged_.offset != 0) retire(slot.staged_);
  } else {
    slot.changed_ = true;
    slots_.push_back(&slot);
  }
  slot.staged_ = fresh;
}

void Transaction::replace(TabSlot& slot, const Tab& fresh) {
  if (!slot.changed_) tabs_.push_back(&slot);
  slot.changed_ = true;
  slot.staged_ = fresh;
}

void Transaction::fail(Error error) {
  if (!failed_) error_ = std::move(error);
  failed_ = true;
}

void Transaction::keep() {
  for (Slot* slot : slots_) {
    if (slot->live_.offset != 0 && !moves()) retire(slot->live_);
    slot->live_ = slot->staged_;
    slot->changed_ = false;
  }
  for (TabSlot* slot : tabs_) {
    slot->live_ = slot->staged_;
    slot->changed_ = false;
  }
}

void Transaction::undo() {
  for (Slot* slot : slots_) {
    slot->changed_ = false;
  }
  for (TabSlot* slot : tabs_) {
    slot->changed_ = false;
  }
  if (moves()) {
    arena_.abort_compaction();
  } else {
    arena_.rollback();
  }
}

}  // namespace sluice::table
