// Publication and reclaim between threads, so that thread sanitizer sees both sides: with
// SLUICE_SANITIZE=thread a missing order is a report, without it this is a quick check.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/read_mapping.h"
#include "test/harness/temp_directory.h"
#include "test/property/checked_table.h"

namespace sluice {
namespace {

constexpr int kReaders = 3;
constexpr int kChanges = 1500;
constexpr std::uint64_t kEndlessPatience = ~std::uint64_t{0};  // a fenced reader would race

struct Tally {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> right{0};
  std::atomic<std::uint64_t> bad{0};
};

void read_until_stopped(arena::ReadMapping& mapping, Tally& tally, std::uint64_t seed) {
  CheckedReader reader{.mapping = mapping, .random = std::mt19937_64(seed)};
  while (!tally.stop) {
    const Verdict verdict = check_table(reader);
    ++(verdict == Verdict::kRight ? tally.right : tally.bad);
    if (mapping.count_started(reader.counter)) mapping.count_finished(reader.counter);
  }
  mapping.idle();
}

TEST(ArenaThreadsTest, EveryReadIsOrderedWithTheWritesItSees) {
  const TempDirectory directory;
  // Large enough that nothing grows: readers in this process use the writer's mappings.
  const arena::ArenaOptions options = {
      .directory = directory.path(), .segment_bytes = std::size_t{32} << 20, .poison_freed = true};
  Result<std::unique_ptr<CheckedWriter>> writer = CheckedWriter::start(options, 1);
  ASSERT_TRUE(writer.has_value()) << writer.error().message;
  std::vector<std::unique_ptr<arena::ReadMapping>> mappings;
  std::vector<std::thread> threads;
  Tally tally;
  // The other segment comes into use with the first compaction, before there are readers.
  while ((*writer)->take_compactions() == 0) {
    ASSERT_TRUE((*writer)->change().has_value());
    (*writer)->reclaim(1, kEndlessPatience);
  }
  for (std::uint64_t i = 0; i < kReaders; ++i) {
    Result<std::unique_ptr<arena::ReadMapping>> mapping =
        arena::ReadMapping::open_beside((*writer)->arena());
    ASSERT_TRUE(mapping.has_value());
    ASSERT_TRUE((*mapping)->take_slot({.instance = 1, .pid = 1, .module_version = 1}).has_value());
    mappings.push_back(std::move(*mapping));
    threads.emplace_back(read_until_stopped, std::ref(*mappings.back()), std::ref(tally), i);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  std::uint64_t compactions = 0;
  for (int change = 0; change < kChanges || tally.right < 3000 || compactions < 3; ++change) {
    if (!(*writer)->change().has_value() || std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "stopped after " << change << " changes, " << tally.right << " reads";
      break;
    }
    compactions += (*writer)->take_compactions();
    (*writer)->reclaim(1, kEndlessPatience);
  }
  tally.stop = true;
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(tally.bad, 0U);
  EXPECT_GE(tally.right, 3000U);
}

}  // namespace
}  // namespace sluice
