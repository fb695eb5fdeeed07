#include "shared/arena/read_mapping.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "shared/arena/arena.h"
#include "shared/arena/file_lock.h"
#include "shared/arena/layout.h"
#include "shared/base/unique_fd.h"
#include "test/harness/temp_directory.h"

namespace sluice::arena {
namespace {

constexpr WorkerIdentity kIdentity = {.instance = 1, .pid = 2, .module_version = 3};

class ReadMappingTest : public testing::Test {
 protected:
  std::unique_ptr<Arena> open_arena() {
    Result<std::unique_ptr<Arena>> arena =
        Arena::open({.directory = directory_.path(), .segment_bytes = std::size_t{1} << 20});
    EXPECT_TRUE(arena.has_value()) << arena.error().message;
    return std::move(*arena);
  }

  std::unique_ptr<ReadMapping> open_reader() {
    Result<std::unique_ptr<ReadMapping>> reader = ReadMapping::open(directory_.path());
    EXPECT_TRUE(reader.has_value()) << reader.error().message;
    return std::move(*reader);
  }

  void overwrite_ctl(std::size_t at, std::uint64_t value) {
    const std::string_view bytes(reinterpret_cast<const char*>(&value), sizeof value);
    ASSERT_TRUE(directory_.overwrite("v1/ctl", at, bytes));
  }

  TempDirectory directory_;
};

TEST_F(ReadMappingTest, MissingDirectoryIsNotFound) {
  const Result<std::unique_ptr<ReadMapping>> reader = ReadMapping::open(directory_.path());
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, Errc::kNotFound);
}

TEST_F(ReadMappingTest, UnknownIncompatibleFeatureIsRefused) {
  const std::unique_ptr<Arena> arena = open_arena();
  overwrite_ctl(offsetof(Control, byte_order), std::uint64_t{1} << 32 | kByteOrder);
  const Result<std::unique_ptr<ReadMapping>> reader = ReadMapping::open(directory_.path());
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, Errc::kInvalid);
}

TEST_F(ReadMappingTest, HeaderThatIsNotCompleteYetIsNotFound) {
  const std::unique_ptr<Arena> arena = open_arena();
  overwrite_ctl(offsetof(Control, magic), 0);
  const Result<std::unique_ptr<ReadMapping>> reader = ReadMapping::open(directory_.path());
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, Errc::kNotFound);
}

TEST_F(ReadMappingTest, WorkersHaveDifferentSlotsAndADeadOnesIsTakenAgain) {
  const std::unique_ptr<Arena> arena = open_arena();
  std::unique_ptr<ReadMapping> first = open_reader();
  const std::unique_ptr<ReadMapping> second = open_reader();
  EXPECT_EQ(first->slot(), kSlots);
  ASSERT_TRUE(first->take_slot(kIdentity).has_value());
  ASSERT_TRUE(second->take_slot(kIdentity).has_value());
  EXPECT_EQ(first->slot(), 0U);
  EXPECT_EQ(second->slot(), 1U);
  first.reset();
  const std::unique_ptr<ReadMapping> third = open_reader();
  ASSERT_TRUE(third->take_slot(kIdentity).has_value());
  EXPECT_EQ(third->slot(), 0U);
}

TEST_F(ReadMappingTest, NoSlotLeftIsFull) {
  const std::unique_ptr<Arena> arena = open_arena();
  const UniqueFd others(open((directory_.path() + "/v1/slots").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock(others.get(), {.start = 0, .bytes = kSlots * kSlotBytes}).has_value());
  const std::unique_ptr<ReadMapping> worker = open_reader();
  const Result<void> taken = worker->take_slot(kIdentity);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, Errc::kFull);
  EXPECT_EQ(worker->slot(), kSlots);
}

TEST_F(ReadMappingTest, SlotTakenAgainSettlesTheCountsOfTheDead) {
  const std::unique_ptr<Arena> arena = open_arena();
  const auto* const counters = reinterpret_cast<EndpointCounter*>(arena->counters_file());
  std::unique_ptr<ReadMapping> first = open_reader();
  ASSERT_TRUE(first->take_slot(kIdentity).has_value());
  ASSERT_TRUE(first->count_started(9));
  first.reset();
  EXPECT_EQ(counters[9].active, 1U);
  const std::unique_ptr<ReadMapping> second = open_reader();
  ASSERT_TRUE(second->take_slot(kIdentity).has_value());
  EXPECT_EQ(counters[9].active, 0U);
}

TEST_F(ReadMappingTest, ReaderWithoutSlotCountsNothing) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> tool = open_reader();
  EXPECT_FALSE(tool->count_started(0));
}

TEST_F(ReadMappingTest, ToolSeesThatTheRootMovedUnderIt) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> tool = open_reader();
  arena->publish_root(*arena->allocate(64), 1);
  const Snapshot snapshot = tool->enter();
  EXPECT_TRUE(tool->unmoved(snapshot));
  arena->publish_root(*arena->allocate(64), 2);
  EXPECT_FALSE(tool->unmoved(snapshot));
}

TEST_F(ReadMappingTest, CountersThatGrewAreFound) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_reader();
  ASSERT_TRUE(worker->take_slot(kIdentity).has_value());
  const std::size_t bytes = worker->counters_file().size();
  const auto behind = static_cast<std::uint32_t>(bytes / sizeof(EndpointCounter));
  EXPECT_FALSE(worker->count_started(behind));
  ASSERT_TRUE(arena->grow_counters_file(bytes + 1).has_value());
  EXPECT_TRUE(worker->count_started(behind));
  ASSERT_TRUE(arena->grow_endpoint_file(arena->endpoint_file_bytes() + 1).has_value());
  EXPECT_EQ(worker->endpoint_file(arena->endpoint_file_bytes()).size(),
            arena->endpoint_file_bytes());
}

TEST_F(ReadMappingTest, DirectoryReplacedByANewOneIsStale) {
  std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_reader();
  EXPECT_FALSE(worker->stale());
  arena.reset();
  std::filesystem::remove_all(directory_.path() + "/v1");
  EXPECT_FALSE(worker->stale()) << "the old table is better than none";
  arena = open_arena();
  EXPECT_TRUE(worker->stale());
}

TEST_F(ReadMappingTest, NonsenseInCtlIsBoundedByTheFiles) {
  const std::unique_ptr<Arena> arena = open_arena();
  const std::unique_ptr<ReadMapping> worker = open_reader();
  ASSERT_TRUE(worker->take_slot(kIdentity).has_value());
  overwrite_ctl(offsetof(Control, high_water), ~std::uint64_t{0});
  overwrite_ctl(offsetof(Control, root_word), pack_root_word(0, 1, 0xffffffff));
  EXPECT_LE(worker->enter().units * 8, kSegmentReserve);
  EXPECT_EQ(worker->enter().units * 8,
            std::filesystem::file_size(directory_.path() + "/v1/segment.A"));
  overwrite_ctl(offsetof(Control, root_word), pack_root_word(200, 1, 8));
  EXPECT_EQ(worker->enter().base, nullptr);
  EXPECT_TRUE(worker->segment(200).empty());
}

}  // namespace
}  // namespace sluice::arena
