#include "shared/table/counter_lines.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"
#include "test/harness/temp_directory.h"

namespace sluice::table {
namespace {

using arena::Arena;
using arena::CounterRef;
using arena::ReadMapping;
using arena::RouteCounter;

constexpr Identity kA = {1, 11};
constexpr Identity kB = {2, 22};

class CounterLinesTest : public testing::Test {
 protected:
  void SetUp() override {
    start_controller();
    auto worker = ReadMapping::open(directory_.path());
    ASSERT_TRUE(worker.has_value());
    worker_ = std::move(*worker);
    ASSERT_TRUE(worker_->take_slot({.instance = 1, .pid = 1, .module_version = 1}).has_value());
  }

  void start_controller() {
    lines_.reset();
    arena_.reset();
    auto arena = Arena::open({.directory = directory_.path(),
                              .segment_bytes = std::size_t{1} << 20,
                              .reserve_bytes = std::size_t{4} << 20});
    ASSERT_TRUE(arena.has_value()) << arena.error().message;
    arena_ = std::move(*arena);
    lines_ = std::make_unique<CounterLines>(*arena_);
  }

  CounterRef acquire(const Identity& identity) {
    const Result<CounterRef> ref = lines_->acquire(identity);
    EXPECT_TRUE(ref.has_value());
    return ref ? *ref : CounterRef{};
  }

  // As workers do; null: the line is another one's.
  RouteCounter* counter(CounterRef ref) {
    const std::size_t bytes = (std::size_t{ref.line} + 1) * sizeof(RouteCounter);
    return arena::find_counter<RouteCounter>(worker_->counters_file(bytes), ref);
  }

  void publish_unseen_root() {
    const Result<arena::Offset> root = arena_->allocate(64);
    ASSERT_TRUE(root.has_value());
    arena_->publish_root(*root, arena_->published_generation() + 1);
    arena_->reclaim(++now_ms_);
  }

  // A root that every worker has moved on to.
  void publish_root() {
    publish_unseen_root();
    worker_->idle();
    arena_->reclaim(++now_ms_);
  }

  TempDirectory directory_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<CounterLines> lines_;
  std::unique_ptr<ReadMapping> worker_;
  std::uint64_t now_ms_ = 0;
};

TEST_F(CounterLinesTest, OneIdentityHasOneLineAsLongAsSomebodyUsesIt) {
  const CounterRef a = acquire(kA);
  EXPECT_EQ(acquire(kA), a);
  EXPECT_NE(acquire(kB).line, a.line);
  EXPECT_FALSE(lines_->forget(a.line));
  EXPECT_EQ(acquire(kA), a);
  EXPECT_NE(a.incarnation, 0U);
}

TEST_F(CounterLinesTest, WhatWorkersCountedIsRead) {
  acquire(kA);
  const CounterRef b = acquire(kB);
  counter(b)->relayed = 3;
  counter(b)->to_clients = 5'000'000'000;
  const auto seen = lines_->read<RouteCounter>(b.line);
  EXPECT_EQ(seen.incarnation, b.incarnation);
  EXPECT_EQ(seen.relayed, 3U);
  EXPECT_EQ(seen.to_clients, 5'000'000'000U);
  EXPECT_EQ(lines_->read<RouteCounter>(acquire(kA).line).relayed, 0U);
}

TEST_F(CounterLinesTest, WhoIsForgottenBeginsAnew) {
  const CounterRef before = acquire(kA);
  counter(before)->refused = 7;
  EXPECT_TRUE(lines_->forget(before.line));
  const CounterRef after = acquire(kA);
  EXPECT_NE(after, before);
  EXPECT_EQ(counter(after)->refused, 0U);
}

TEST_F(CounterLinesTest, ReleasedTheLineIsKept) {
  const CounterRef before = acquire(kA);
  counter(before)->refused = 7;
  lines_->release(before.line);
  EXPECT_EQ(acquire(kA), before);
  EXPECT_EQ(counter(before)->refused, 7U);
}

TEST_F(CounterLinesTest, ALineThatIsGivenAwayIsZeroAndNoLongerTheFormerOnes) {
  const CounterRef a = acquire(kA);
  const CounterRef last = acquire({3, 33});
  RouteCounter& line = *counter(a);
  line.relayed = line.refused = line.from_clients = line.to_clients = line.reserved = ~0ULL;
  lines_->forget(a.line);
  publish_root();
  const CounterRef b = acquire(kB);
  ASSERT_EQ(b.line, a.line);
  EXPECT_NE(b.incarnation, a.incarnation);
  EXPECT_EQ(counter(a), nullptr) << "a worker that still knows the former one counts nothing";
  RouteCounter expected{};
  expected.incarnation = b.incarnation;
  expected.identity[0] = kB[0];
  expected.identity[1] = kB[1];
  EXPECT_EQ(std::memcmp(counter(b), &expected, sizeof expected), 0);
  EXPECT_NE(counter(last), nullptr);
}

TEST_F(CounterLinesTest, ALineIsNotGivenAwayWhileAWorkerMayCountThere) {
  const CounterRef a = acquire(kA);
  publish_root();
  publish_unseen_root();
  lines_->forget(a.line);
  EXPECT_NE(acquire(kB).line, a.line) << "the worker has not seen that it is gone";
  worker_->idle();
  arena_->reclaim(++now_ms_);
  EXPECT_EQ(acquire({3, 33}).line, a.line);
}

TEST_F(CounterLinesTest, ALineIsNotGivenAwayWhileConnectionsRun) {
  const CounterRef a = acquire(kA);
  ASSERT_TRUE(worker_->count_started(a.line));
  lines_->forget(a.line);
  publish_root();
  const CounterRef b = acquire(kB);
  EXPECT_NE(b.line, a.line);
  worker_->count_finished(a.line);
  EXPECT_EQ(acquire({3, 33}).line, a.line);
}

TEST_F(CounterLinesTest, ASuccessorGoesOnWithTheTotalsOfThoseThatAreStillThere) {
  const CounterRef a = acquire(kA);
  const CounterRef b = acquire(kB);
  counter(a)->relayed = 4;
  counter(b)->relayed = 5;
  start_controller();
  EXPECT_EQ(acquire(kA), a);
  EXPECT_EQ(lines_->read<RouteCounter>(a.line).relayed, 4U);
  lines_->forget_unused();
  EXPECT_EQ(acquire(kA), a);
  const CounterRef later = acquire(kB);
  EXPECT_NE(later, b) << "it was not there when the successor began";
  EXPECT_EQ(counter(later)->relayed, 0U);
}

TEST_F(CounterLinesTest, WhatWasForgottenIsNotAdopted) {
  const CounterRef a = acquire(kA);
  acquire(kB);
  counter(a)->relayed = 4;
  lines_->forget(a.line);
  start_controller();
  const CounterRef later = acquire(kA);
  EXPECT_EQ(counter(later)->relayed, 0U);
  EXPECT_NE(later, a);
}

TEST_F(CounterLinesTest, NonsenseInTheFileIsOnlyANumber) {
  const CounterRef a = acquire(kA);
  acquire(kB);
  RouteCounter& line = *counter(a);
  std::memset(&line, 0xff, sizeof line);
  EXPECT_EQ(acquire(kA), a) << "whose line it is, the file does not decide";
  EXPECT_EQ(counter(a), nullptr);
  start_controller();
  const CounterRef later = acquire(kA);
  EXPECT_NE(later.line, a.line);
  EXPECT_EQ(counter(later)->relayed, 0U);
  EXPECT_EQ(acquire(kA), later);
}

}  // namespace
}  // namespace sluice::table
