// Gives out blocks of one segment by offset, and keeps retired ones until readers have passed.
//
// Knows numbers only, never the memory. Small sizes have a free list each, larger ones share a list
// with at most an eighth of slack, so that steady changes reuse what they retire and the segment
// stays as large as it is. Blocks are never merged: compaction does that.
//
// Life of a block: given out -> (published) -> retired -> in limbo under the epoch that unlinked
// it -> free. What was given out or retired for a root that never came is undone by rollback().
//
// Process: controller.   Thread: event loop.   Cost: O(1), reclaim() O(blocks freed).
// Tested by: test/unit/shared/arena/block_allocator_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace sluice::arena {

// A size class: what a request for some bytes is rounded up to.
struct BlockShape {
  std::uint32_t units = 0;  // of 8 bytes
  bool line_aligned = false;

  static BlockShape of(std::size_t bytes, std::size_t alignment);

  std::size_t bytes() const { return std::size_t{units} * 8; }
};

class BlockAllocator {
 public:
  using Offset = std::uint32_t;  // 8-byte units; 0 = none

  // Forgets everything; the next block lies at or behind `first_byte`.
  void reset(std::uint64_t first_byte);

  // A free block, or 0.
  Offset take_free(BlockShape shape);
  // Where the segment has to end for take_new().
  std::uint64_t end_after(BlockShape shape) const;
  Offset take_new(BlockShape shape);
  // Notes that what was just taken is undone by rollback().
  void journal(Offset offset, BlockShape shape);

  void retire_with_root(Offset offset, BlockShape shape);
  // REQUIRES: epochs never fall from call to call, those of commit() included.
  void retire_at(Offset offset, BlockShape shape, std::uint64_t epoch);
  // The root came: what was retired with it was unlinked at `epoch`.
  void commit(std::uint64_t epoch);
  void rollback();

  struct Block {
    Offset offset = 0;
    BlockShape shape;
  };

  // One block whose epoch has passed becomes free, oldest first; offset 0 when there is none.
  Block free_one(std::uint64_t passed_epoch);

  bool has_limbo() const { return !limbo_.empty(); }

  std::size_t live_bytes() const { return live_bytes_; }

  std::uint64_t used_bytes() const { return next_byte_; }

  std::size_t limbo_bytes() const { return limbo_bytes_; }

 private:
  struct Retired {
    Block block;
    std::uint64_t epoch;
  };

  // 64 exact classes and 8 for each doubling up to 2^32 units.
  static constexpr std::size_t kClasses = 65 + 8 * 27;

  static std::size_t class_index(BlockShape shape);
  std::vector<Offset>& free_list(BlockShape shape);

  std::array<std::array<std::vector<Offset>, kClasses>, 2> free_;
  std::deque<Retired> limbo_;
  std::vector<Block> retired_with_root_;
  std::vector<Block> journal_;
  std::uint64_t next_byte_ = 0;
  std::size_t live_bytes_ = 0;
  std::size_t limbo_bytes_ = 0;
};

}  // namespace sluice::arena
