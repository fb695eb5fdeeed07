// What an Arena knows. Inside this room only: arena_open.cc makes it, arena.cc works with it.
// Process: controller.   Thread: event loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "shared/arena/arena.h"
#include "shared/arena/block_allocator.h"
#include "shared/arena/layout.h"
#include "shared/arena/mapped_file.h"
#include "shared/arena/worker_slots.h"
#include "shared/base/unique_fd.h"

namespace sluice::arena {

struct Arena::State {
  struct Segment {
    MappedFile file;
    BlockAllocator blocks;
  };

  struct PublishedRoot {
    std::uint64_t epoch;
    std::uint64_t generation;
  };

  ArenaOptions options;
  MappedFile ctl;
  MappedFile slots;
  MappedFile endpoint;
  MappedFile counters;
  UniqueFd reserve;  // memory that is given up when nothing else is left for a compaction
  std::array<Segment, 2> segments;
  WorkerSlots workers;

  std::uint8_t current = 0;               // where we allocate
  std::optional<std::uint8_t> published;  // where the published root lies
  std::uint64_t predecessor_generation = 0;
  std::uint64_t passed_epoch = 0;  // everything unlinked up to here is out of every worker's sight
  std::uint64_t passed_generation = 0;
  std::deque<PublishedRoot> roots;  // ours, until the workers have passed them
  bool full = false;                // an allocation failed since the last swing
  std::size_t live_at_abort = 0;    // of a compaction that failed; 0: none

  Control& control() const { return *reinterpret_cast<Control*>(ctl.data()); }

  Segment& here() { return segments[current]; }

  bool in_transition() const { return published != current; }

  Result<void> open_files();
  void hold_reserve();  // as far as there is room for it
  bool give_reserve_up();
  Result<void> take_over();
  void wait_for_quiet();
  bool slots_point_into(std::uint8_t segment) const;
};

}  // namespace sluice::arena
