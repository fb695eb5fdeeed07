// The controller's view of the workers: who lives, what they may still see, whom to fence.
//
// A slot's worker lives while its OFD lock is held; nothing else counts. It may still see what was
// unlinked after the epoch it announced last.
//
// Process: controller.   Thread: event loop.   Borrows: the files.
// Cost: one load per slot in use, a system call per slot that lags behind and one for the unused.
// Tested by: test/unit/shared/arena/arena_test.cc
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shared/arena/layout.h"

namespace sluice::arena {

class WorkerSlots {
 public:
  WorkerSlots() = default;
  WorkerSlots(Control* control, WorkerSlot* slots, int slots_fd);

  // The newest epoch that every live worker has announced, except those that were silent for
  // `patience_ms`; at most the current epoch.
  std::uint64_t passed_epoch(std::uint64_t now_ms, std::uint64_t patience_ms);
  // REQUIRED before memory is reused that passed_epoch() said is passed: tells the silent workers
  // that what they are reading is not to be trusted.
  void fence_silent();

  // Takes what dead workers left out of `counters` and cleans their pages.
  void settle_dead(std::span<EndpointCounter> counters);

 private:
  struct Seen {
    std::uint64_t epoch = 0;
    std::uint64_t since_ms = 0;    // it announced nothing newer
    std::uint64_t checked_ms = 0;  // when its lock was last looked at
    bool alive = false;
  };

  void look_behind_last();
  bool is_alive(std::uint32_t slot, std::uint64_t now_ms);

  Control* control_ = nullptr;
  WorkerSlot* slots_ = nullptr;
  int slots_fd_ = -1;
  std::uint32_t end_ = 0;  // no slot from here on was in use when we last looked
  std::vector<Seen> seen_;
  std::vector<std::uint32_t> silent_;
};

}  // namespace sluice::arena
