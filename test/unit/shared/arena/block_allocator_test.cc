#include "shared/arena/block_allocator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace sluice::arena {
namespace {

using Offset = BlockAllocator::Offset;

Offset take(BlockAllocator& blocks, BlockShape shape) {
  const Offset offset = blocks.take_free(shape);
  return offset != 0 ? offset : blocks.take_new(shape);
}

BlockAllocator empty_segment() {
  BlockAllocator blocks;
  blocks.reset(0);
  return blocks;
}

int free_all(BlockAllocator& blocks, std::uint64_t passed) {
  int freed = 0;
  while (blocks.free_one(passed).offset != 0)
    ++freed;
  return freed;
}

TEST(BlockShapeTest, SmallSizesAreExactAndLargeOnesWasteAtMostAnEighth) {
  EXPECT_EQ(BlockShape::of(1, 8).bytes(), 8U);
  EXPECT_EQ(BlockShape::of(65, 8).bytes(), 72U);
  EXPECT_EQ(BlockShape::of(65, 64).bytes(), 128U);
  EXPECT_EQ(BlockShape::of(512, 8).bytes(), 512U);
  EXPECT_EQ(BlockShape::of(4096, 64).bytes(), 4096U);
  for (std::size_t bytes = 1; bytes < 100000; bytes += 7) {
    for (const std::size_t alignment : {8U, 64U}) {
      const std::size_t rounded = BlockShape::of(bytes, alignment).bytes();
      ASSERT_GE(rounded, bytes);
      ASSERT_LE(rounded, bytes + std::max<std::size_t>(alignment - 1, bytes / 8 + alignment));
      ASSERT_EQ(rounded % alignment, 0U);
      ASSERT_EQ(BlockShape::of(rounded, alignment).bytes(), rounded);
    }
  }
}

TEST(BlockAllocatorTest, BlocksAreAlignedAndDoNotOverlap) {
  BlockAllocator blocks = empty_segment();
  std::mt19937 random(1);
  std::uint64_t end = 8;
  for (int i = 0; i < 1000; ++i) {
    const std::size_t alignment = random() % 2 == 0 ? 8 : 64;
    const BlockShape shape = BlockShape::of(random() % 700 + 1, alignment);
    const std::uint64_t promised = blocks.end_after(shape);
    const std::uint64_t start = std::uint64_t{blocks.take_new(shape)} * 8;
    ASSERT_EQ(start % alignment, 0U);
    ASSERT_GE(start, end);
    end = start + shape.bytes();
    ASSERT_EQ(end, promised);
  }
}

TEST(BlockAllocatorTest, RetiredBlockIsReusedOnlyAfterItsEpochHasPassed) {
  BlockAllocator blocks = empty_segment();
  const BlockShape shape = BlockShape::of(100, 8);
  const Offset first = take(blocks, shape);
  blocks.retire_with_root(first, shape);
  EXPECT_EQ(free_all(blocks, 1000), 0) << "no root has unlinked it yet";
  blocks.commit(7);
  EXPECT_EQ(blocks.limbo_bytes(), shape.bytes());
  EXPECT_EQ(free_all(blocks, 6), 0);
  EXPECT_NE(take(blocks, shape), first);
  EXPECT_EQ(free_all(blocks, 7), 1);
  EXPECT_EQ(take(blocks, shape), first);
  EXPECT_EQ(blocks.limbo_bytes(), 0U);
}

TEST(BlockAllocatorTest, EndpointSwapInsideACommitFreesNothingOfTheOldRoot) {
  BlockAllocator blocks = empty_segment();
  const BlockShape shape = BlockShape::of(100, 8);
  const Offset of_root = take(blocks, shape);
  const Offset of_slot = take(blocks, shape);
  blocks.retire_with_root(of_root, shape);
  blocks.retire_at(of_slot, shape, 5);
  EXPECT_EQ(free_all(blocks, 5), 1);
  EXPECT_EQ(take(blocks, shape), of_slot);
  blocks.commit(6);
  EXPECT_EQ(free_all(blocks, 6), 1);
  EXPECT_EQ(take(blocks, shape), of_root);
}

TEST(BlockAllocatorTest, RollbackGivesBackWhatWasTakenAndKeepsWhatWasRetired) {
  BlockAllocator blocks = empty_segment();
  const BlockShape shape = BlockShape::of(100, 8);
  const Offset published = take(blocks, shape);
  blocks.journal(published, shape);
  blocks.commit(1);
  const std::size_t live = blocks.live_bytes();

  const Offset unpublished = take(blocks, shape);
  blocks.journal(unpublished, shape);
  blocks.retire_with_root(published, shape);
  blocks.rollback();
  EXPECT_EQ(blocks.live_bytes(), live);
  EXPECT_EQ(take(blocks, shape), unpublished);
  blocks.commit(2);
  EXPECT_EQ(free_all(blocks, 2), 0) << "the published block must not be retired";
}

TEST(BlockAllocatorTest, SteadyChangesOfRandomSizesDoNotGrowTheSegment) {
  BlockAllocator blocks = empty_segment();
  std::mt19937 random(2);
  std::vector<std::pair<Offset, BlockShape>> live(500);
  const auto replace_all = [&](std::uint64_t epoch) {
    for (auto& [offset, shape] : live) {
      const BlockShape next = BlockShape::of(random() % 2000 + 1, random() % 4 == 0 ? 64 : 8);
      const Offset replacement = take(blocks, next);
      if (offset != 0) blocks.retire_at(offset, shape, epoch);
      offset = replacement;
      shape = next;
    }
    free_all(blocks, epoch);
  };
  std::uint64_t epoch = 1;
  for (; epoch < 50; ++epoch)
    replace_all(epoch);
  const std::uint64_t used = blocks.used_bytes();
  for (; epoch < 500; ++epoch)
    replace_all(epoch);
  EXPECT_LT(blocks.used_bytes(), used * 3 / 2);
}

}  // namespace
}  // namespace sluice::arena
