#include "shared/arena/arena.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/arena/read_mapping.h"
#include "test/harness/temp_directory.h"

namespace sluice::arena {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

class ArenaTest : public testing::Test {
 protected:
  std::unique_ptr<Arena> open_arena(std::size_t reserve_bytes = 64 * kMiB) {
    Result<std::unique_ptr<Arena>> arena = Arena::open({.directory = directory_.path(),
                                                        .segment_bytes = kMiB,
                                                        .reserve_bytes = reserve_bytes,
                                                        .poison_freed = true});
    EXPECT_TRUE(arena.has_value()) << arena.error().message;
    return arena ? std::move(*arena) : nullptr;
  }

  std::unique_ptr<ReadMapping> open_worker() {
    Result<std::unique_ptr<ReadMapping>> worker = ReadMapping::open(directory_.path());
    EXPECT_TRUE(worker.has_value());
    EXPECT_TRUE((*worker)->take_slot({.instance = 1, .pid = 2, .module_version = 3}).has_value());
    return std::move(*worker);
  }

  // A blob that holds one number.
  static Offset write_number(Arena& arena, std::uint64_t number,
                             LinkedBy linked = LinkedBy::kRoot) {
    const Result<Offset> offset = arena.allocate(sizeof number, 8, linked);
    EXPECT_TRUE(offset.has_value());
    *arena.at<std::uint64_t>(*offset) = number;
    return *offset;
  }

  static std::uint64_t read_number(const Snapshot& snapshot) {
    EXPECT_LT(snapshot.root, snapshot.units);
    return reinterpret_cast<const std::uint64_t*>(snapshot.base)[snapshot.root];
  }

  static std::uint64_t& slot_word(Arena& arena) {
    return *reinterpret_cast<std::uint64_t*>(arena.endpoint_file());
  }

  TempDirectory directory_;
};

TEST_F(ArenaTest, FilesHaveTheirModes) {
  const std::unique_ptr<Arena> arena = open_arena();
  const auto mode = [this](const std::string& name) {
    struct stat status = {};
    EXPECT_EQ(stat((directory_.path() + "/v1" + name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode(""), 02750U);
  EXPECT_EQ(mode("/ctl"), 0640U);
  EXPECT_EQ(mode("/segment.A"), 0640U);
  EXPECT_EQ(mode("/segment.B"), 0640U);
  EXPECT_EQ(mode("/endpoint"), 0640U);
  EXPECT_EQ(mode("/slots"), 0660U);
  EXPECT_EQ(mode("/counters"), 0660U);
}

TEST_F(ArenaTest, SecondControllerIsRefusedUntilTheFirstIsGone) {
  std::unique_ptr<Arena> first = open_arena();
  const Result<std::unique_ptr<Arena>> second = Arena::open({.directory = directory_.path()});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kConflict);
  first.reset();
  EXPECT_NE(open_arena(), nullptr);
}

TEST_F(ArenaTest, ForeignDirectoryIsRefused) {
  open_arena().reset();
  ASSERT_TRUE(directory_.overwrite("v1/ctl", 0, "something else"));
  const Result<std::unique_ptr<Arena>> arena = Arena::open({.directory = directory_.path()});
  ASSERT_FALSE(arena.has_value());
  EXPECT_EQ(arena.error().code, Errc::kInvalid);
}

TEST_F(ArenaTest, DirectoryOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  ASSERT_EQ(chown(directory_.path().c_str(), 65534, 65534), 0);
  const Result<std::unique_ptr<Arena>> arena = Arena::open({.directory = directory_.path()});
  ASSERT_FALSE(arena.has_value());
  EXPECT_EQ(arena.error().code, Errc::kConflict);
}

TEST_F(ArenaTest, PublishedRootIsSeenByTheNextEnter) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  EXPECT_EQ(worker->enter().base, nullptr);
  arena->publish_root(write_number(*arena, 41), 1);
  EXPECT_EQ(read_number(worker->enter()), 41U);
  arena->publish_root(write_number(*arena, 42), 2);
  EXPECT_EQ(read_number(worker->enter()), 42U);
  EXPECT_EQ(arena->published_generation(), 2U);
}

TEST_F(ArenaTest, RetiredBlockIsPoisonedOnlyAfterEveryWorkerHasMovedOn) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> fast = open_worker();
  const std::unique_ptr<ReadMapping> slow = open_worker();
  const Offset first = write_number(*arena, 41);
  arena->publish_root(first, 1);
  const Snapshot held = slow->enter();

  arena->retire(first, sizeof(std::uint64_t));
  arena->publish_root(write_number(*arena, 42), 2);
  fast->enter();
  arena->reclaim(10);
  EXPECT_EQ(read_number(held), 41U);
  EXPECT_EQ(arena->passed_generation(), 1U);
  EXPECT_GT(arena->limbo_bytes(), 0U);

  slow->idle();
  arena->reclaim(20);
  EXPECT_EQ(arena->limbo_bytes(), 0U);
  EXPECT_EQ(arena->passed_generation(), 2U);
  EXPECT_EQ(read_number(held), 0xEEEEEEEEEEEEEEEEU);
  EXPECT_TRUE(slow->unmoved(slow->enter()));
}

TEST_F(ArenaTest, SilentWorkerIsFencedAfterThePatienceAndNotBefore) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  const Offset first = write_number(*arena, 41);
  arena->publish_root(first, 1);
  const Snapshot held = worker->enter();
  arena->retire(first, sizeof(std::uint64_t));
  arena->publish_root(write_number(*arena, 42), 2);

  arena->reclaim(1000, 500);
  arena->reclaim(1499, 500);
  EXPECT_TRUE(worker->unmoved(held));
  EXPECT_EQ(read_number(held), 41U);
  arena->reclaim(1500, 500);
  EXPECT_FALSE(worker->unmoved(held));
  EXPECT_EQ(arena->limbo_bytes(), 0U);

  const Snapshot again = worker->enter();
  EXPECT_EQ(read_number(again), 42U);
  EXPECT_TRUE(worker->unmoved(again));
}

TEST_F(ArenaTest, WorkerThatStaysSilentIsFencedAtEveryReclaimPastIt) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  Offset root = write_number(*arena, 0);
  arena->publish_root(root, 1);
  Snapshot held = worker->enter();
  for (std::uint64_t generation = 2; generation < 6; ++generation) {
    const Offset next = write_number(*arena, generation);
    arena->retire(root, sizeof(std::uint64_t));
    arena->publish_root(next, generation);
    root = next;
    arena->reclaim(1000 * generation, 0);
    ASSERT_FALSE(worker->unmoved(held));
    held.fence += 1;  // as if it had started to read just before
  }
}

TEST_F(ArenaTest, DeadWorkerHoldsNothingBack) {
  const std::unique_ptr<Arena> arena = open_arena();
  std::unique_ptr<ReadMapping> worker = open_worker();
  const Offset first = write_number(*arena, 41);
  arena->publish_root(first, 1);
  worker->enter();
  worker.reset();  // closes its lock, as the kernel does at a SIGKILL
  arena->retire(first, sizeof(std::uint64_t));
  arena->publish_root(write_number(*arena, 42), 2);
  arena->reclaim(10);
  EXPECT_EQ(arena->limbo_bytes(), 0U);
}

TEST_F(ArenaTest, DeadWorkersCountsAreTakenOut) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> living = open_worker();
  std::unique_ptr<ReadMapping> dead = open_worker();
  auto* const counters = reinterpret_cast<EndpointCounter*>(arena->counters_file());
  ASSERT_TRUE(living->count_started(5));
  ASSERT_TRUE(dead->count_started(5));
  ASSERT_TRUE(dead->count_started(6));
  arena->settle_dead_workers();
  EXPECT_EQ(counters[5].active, 2U);
  dead.reset();
  arena->settle_dead_workers();
  EXPECT_EQ(counters[5].active, 1U);
  EXPECT_EQ(counters[6].active, 0U);
  living->count_finished(5);
  EXPECT_EQ(counters[5].active, 0U);
}

TEST_F(ArenaTest, SteadyChangesDoNotGrowTheArena) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  Offset root = write_number(*arena, 0);
  std::size_t bytes = 8;
  arena->publish_root(root, 1);
  std::size_t used = 0;
  for (std::uint64_t generation = 2; generation < 5000; ++generation) {
    const std::size_t next_bytes = 8 + generation * 37 % 3000;
    const Result<Offset> next = arena->allocate(next_bytes, generation % 3 == 0 ? 64 : 8);
    ASSERT_TRUE(next.has_value());
    arena->retire(root, bytes, (generation - 1) % 3 == 0 && generation > 2 ? 64 : 8);
    arena->publish_root(*next, generation);
    root = *next;
    bytes = next_bytes;
    worker->idle();
    arena->reclaim(generation);
    if (generation == 4000) used = arena->used_bytes();
  }
  EXPECT_EQ(arena->used_bytes(), used);
}

TEST_F(ArenaTest, FileGrowsAndWorkersFollow) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 1), 1);
  const std::uint64_t units = worker->enter().units;
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(arena->allocate(kMiB / 10).has_value());
  arena->publish_root(write_number(*arena, 2), 2);
  const Snapshot snapshot = worker->enter();
  EXPECT_GT(snapshot.units, units);
  EXPECT_EQ(read_number(snapshot), 2U);
}

TEST_F(ArenaTest, FullArenaKeepsTheTableAndCompactsIntoTheOtherSegment) {
  const std::unique_ptr<Arena> arena = open_arena(2 * kMiB);
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 1), 1);
  std::vector<Offset> blobs;
  while (true) {
    const Result<Offset> blob = arena->allocate(100000);
    if (!blob) {
      EXPECT_EQ(blob.error().code, Errc::kFull);
      break;
    }
    blobs.push_back(*blob);
  }
  EXPECT_GT(blobs.size(), 10U);
  arena->rollback();
  EXPECT_EQ(read_number(worker->enter()), 1U);
  arena->reclaim(1);
  EXPECT_TRUE(arena->wants_compaction());
  ASSERT_TRUE(arena->begin_compaction().has_value());
  arena->publish_root(write_number(*arena, 2), 2);
  EXPECT_EQ(read_number(worker->enter()), 2U);
  EXPECT_FALSE(arena->wants_compaction());
}

TEST_F(ArenaTest, OldSegmentServesItsReadersUntilTheyMoveOn) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 41), 1);
  const Snapshot held = worker->enter();
  arena->reclaim(1);
  ASSERT_TRUE(arena->begin_compaction().has_value());
  arena->publish_root(write_number(*arena, 42), 2);
  arena->reclaim(2);
  EXPECT_EQ(arena->begin_compaction().error().code, Errc::kUnavailable);
  EXPECT_EQ(read_number(held), 41U);
  EXPECT_EQ(read_number(worker->enter()), 42U);
  arena->reclaim(3);
  EXPECT_TRUE(arena->begin_compaction().has_value());
}

TEST_F(ArenaTest, SegmentThatSlotWordsPointIntoIsNotReused) {
  const std::unique_ptr<Arena> arena = open_arena();
  arena->publish_root(write_number(*arena, 1), 1);
  const Offset list = write_number(*arena, 7, LinkedBy::kSlot);
  arena->publish_slot(slot_word(*arena), pack_slot_word(1, arena->segment(), list));
  arena->reclaim(1);
  ASSERT_TRUE(arena->begin_compaction().has_value());
  arena->publish_root(write_number(*arena, 2), 2);
  arena->reclaim(2);
  EXPECT_EQ(arena->begin_compaction().error().code, Errc::kUnavailable);
  arena->publish_slot(slot_word(*arena), pack_slot_word(1, 0, 0));
  EXPECT_EQ(arena->begin_compaction().error().code, Errc::kUnavailable);
  arena->reclaim(3);
  EXPECT_TRUE(arena->begin_compaction().has_value());
}

TEST_F(ArenaTest, AbortedCompactionGoesOnWhereItWas) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  const Offset root = write_number(*arena, 1);
  arena->publish_root(root, 1);
  worker->enter();
  arena->reclaim(1);
  const std::uint8_t segment = arena->segment();
  const std::size_t live = arena->live_bytes();
  ASSERT_TRUE(arena->begin_compaction().has_value());
  EXPECT_NE(arena->segment(), segment);
  write_number(*arena, 2);
  arena->abort_compaction();
  EXPECT_EQ(arena->segment(), segment);
  EXPECT_EQ(arena->live_bytes(), live);
  EXPECT_EQ(read_number(worker->enter()), 1U);
  arena->retire(root, sizeof(std::uint64_t));
  arena->publish_root(write_number(*arena, 3), 2);
  EXPECT_EQ(read_number(worker->enter()), 3U);
}

TEST_F(ArenaTest, SuccessorWritesTheOtherSegmentWhileTheOldTableServes) {
  std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 41), 7);
  const std::uint64_t incarnation = worker->incarnation();
  const std::uint8_t segment = arena->segment();
  arena.reset();
  arena = open_arena();
  EXPECT_NE(arena->segment(), segment);
  EXPECT_EQ(arena->predecessor_generation(), 7U);
  EXPECT_EQ(arena->published_generation(), 7U);
  EXPECT_EQ(worker->incarnation(), incarnation + 1);
  EXPECT_EQ(read_number(worker->enter()), 41U);
  arena->publish_root(write_number(*arena, 42), 8);
  EXPECT_EQ(read_number(worker->enter()), 42U);
}

TEST_F(ArenaTest, SuccessorFencesWorkersThatStillReadTheSegmentItNeeds) {
  std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 41), 1);
  const Snapshot held = worker->enter();
  arena->reclaim(1);
  ASSERT_TRUE(arena->begin_compaction().has_value());
  arena->publish_root(write_number(*arena, 42), 2);
  arena.reset();
  arena = open_arena();
  EXPECT_FALSE(worker->unmoved(held));
  const Snapshot now = worker->enter();
  EXPECT_TRUE(worker->unmoved(now));
  EXPECT_EQ(read_number(now), 42U);
}

TEST_F(ArenaTest, SuccessorFencesWorkersThatStillReadAListReplacedInTheSegmentItNeeds) {
  std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 1), 1);
  arena.reset();
  arena = open_arena();  // writes the other segment, and dies before it publishes a root there
  const Offset list = write_number(*arena, 7, LinkedBy::kSlot);
  arena->publish_slot(slot_word(*arena), pack_slot_word(1, arena->segment(), list));
  const Snapshot held = worker->enter();
  arena->publish_slot(slot_word(*arena), pack_slot_word(1, 0, 0));
  arena.reset();
  arena = open_arena();
  EXPECT_EQ(write_number(*arena, 8), list) << "the segment is written from its start";
  EXPECT_FALSE(worker->unmoved(held));
}

TEST_F(ArenaTest, SuccessorOfADeadCompactionAllocatesBehindWhatSlotsPointTo) {
  std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_worker();
  arena->publish_root(write_number(*arena, 1), 1);
  arena->reclaim(1);
  ASSERT_TRUE(arena->begin_compaction().has_value());
  const Offset list = write_number(*arena, 77, LinkedBy::kSlot);
  arena->publish_slot(slot_word(*arena), pack_slot_word(1, arena->segment(), list));
  const std::uint8_t segment = arena->segment();
  arena.reset();
  arena = open_arena();
  EXPECT_EQ(arena->segment(), segment);
  EXPECT_GT(write_number(*arena, 78), list);
  EXPECT_EQ(*arena->at<std::uint64_t>(list), 77U);
}

TEST_F(ArenaTest, GenerationIsReadOutOfTheRootWordWhenTheWriterDiedInBetween) {
  std::unique_ptr<Arena> arena = open_arena();
  arena->publish_root(write_number(*arena, 1), 0xffffff);
  arena.reset();
  // The root word of the next generation was stored, the generation was not.
  const std::uint64_t word = pack_root_word(0, 0x1000000, 8);
  const std::string_view bytes(reinterpret_cast<const char*>(&word), sizeof word);
  ASSERT_TRUE(directory_.overwrite("v1/ctl", offsetof(Control, root_word), bytes));
  arena = open_arena();
  EXPECT_EQ(arena->predecessor_generation(), 0x1000000U);
}

}  // namespace
}  // namespace sluice::arena
