#include "shared/arena/worker_slots.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>

#include "shared/arena/active_counts.h"
#include "shared/arena/file_lock.h"
#include "shared/arena/shared_word.h"

namespace sluice::arena {
namespace {

// A worker that lags behind and held its lock a moment ago is asked again after this time.
constexpr std::uint64_t kLockAgainMs = 10;

LockRange page_of(std::uint32_t slot) {
  return {std::uint64_t{slot} * kSlotBytes, kSlotBytes};
}

}  // namespace

WorkerSlots::WorkerSlots(Control* control, WorkerSlot* slots, int slots_fd)
    : control_(control), slots_(slots), slots_fd_(slots_fd), seen_(kSlots) {}

// A worker that takes its lock after this look sees every root published before it (invariant 6).
void WorkerSlots::look_behind_last() {
  while (end_ < kSlots) {
    const std::uint64_t start = std::uint64_t{end_} * kSlotBytes;
    const std::optional<LockRange> found =
        find_foreign_lock(slots_fd_, {start, std::uint64_t{kSlots} * kSlotBytes - start});
    if (!found) return;
    const std::uint64_t slot = found->start / kSlotBytes;
    // Somebody locks more than a page: look at every slot.
    end_ = slot < end_ ? kSlots
                       : static_cast<std::uint32_t>(std::min<std::uint64_t>(slot + 1, kSlots));
  }
}

bool WorkerSlots::is_alive(std::uint32_t slot, std::uint64_t now_ms) {
  Seen& seen = seen_[slot];
  if (!seen.alive || now_ms - seen.checked_ms >= kLockAgainMs) {
    seen.alive = find_foreign_lock(slots_fd_, page_of(slot)).has_value();
    seen.checked_ms = now_ms;
  }
  return seen.alive;
}

std::uint64_t WorkerSlots::passed_epoch(std::uint64_t now_ms, std::uint64_t patience_ms) {
  const std::uint64_t current = load_word(control_->epoch, std::memory_order_relaxed);
  std::uint64_t passed = current;
  silent_.clear();
  look_behind_last();
  for (std::uint32_t slot = 0; slot < end_; ++slot) {
    // seq_cst pairs with take_slot(): a worker whose first announcement this load misses loads the
    // current epoch afterwards, and with it the current root (invariant 6).
    const std::uint64_t epoch = load_word(slots_[slot].epoch, std::memory_order_seq_cst);
    if (epoch == 0 || epoch == current) continue;
    Seen& seen = seen_[slot];
    if (seen.epoch != epoch) seen = {epoch, now_ms, now_ms, false};
    if (!is_alive(slot, now_ms)) continue;
    if (now_ms - seen.since_ms >= patience_ms) {
      silent_.push_back(slot);
    } else {
      // An epoch from the future is nonsense, and says nothing about what the worker sees.
      passed = epoch > current ? 0 : std::min(passed, epoch);
    }
  }
  return passed;
}

void WorkerSlots::fence_silent() {
  if (silent_.empty()) return;
  for (const std::uint32_t slot : silent_) {
    const std::uint64_t fence = load_word(control_->fence[slot], std::memory_order_relaxed);
    store_word(control_->fence[slot], fence + 1, std::memory_order_release);
  }
// Thread sanitizer doesn't model fences; what they order here is checked between processes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
  // No store into reclaimed memory may be seen before the fence words are.
  std::atomic_thread_fence(std::memory_order_seq_cst);
#pragma GCC diagnostic pop
}

void WorkerSlots::settle_dead(std::span<EndpointCounter> counters) {
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    WorkerSlot& page = slots_[slot];
    if (load_word(page.epoch, std::memory_order_relaxed) == 0) continue;
    const Result<bool> locked = try_lock(slots_fd_, page_of(slot));
    if (!locked || !*locked) continue;
    settle_counts(page, counters);
    page.instance = 0;
    page.pid = 0;
    page.module_version = 0;
    page.adopted_generation = 0;
    store_word(page.epoch, std::uint64_t{0}, std::memory_order_relaxed);
    unlock(slots_fd_, page_of(slot));
  }
}

}  // namespace sluice::arena
