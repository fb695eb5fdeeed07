#include "shared/arena/active_counts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::arena {
namespace {

class ActiveCountsTest : public testing::Test {
 protected:
  std::unique_ptr<WorkerSlot> own_ = std::make_unique<WorkerSlot>();
  std::vector<EndpointCounter> counters_ = std::vector<EndpointCounter>(2000);
};

TEST_F(ActiveCountsTest, RaiseAndLowerMoveTheSharedCount) {
  EXPECT_TRUE(raise_count(*own_, counters_, 3));
  EXPECT_TRUE(raise_count(*own_, counters_, 3));
  EXPECT_EQ(counters_[3].active, 2U);
  lower_count(*own_, counters_, 3);
  EXPECT_EQ(counters_[3].active, 1U);
}

TEST_F(ActiveCountsTest, LineThatIsNotThereIsNotCounted) {
  EXPECT_FALSE(raise_count(*own_, counters_, 2000));
  EXPECT_FALSE(raise_count(*own_, counters_, 0xffffffff));
}

TEST_F(ActiveCountsTest, SettlingTakesOutExactlyTheOwnCounts) {
  counters_[3].active = 10;  // of other workers
  for (std::uint32_t line = 0; line < 200; ++line) {
    ASSERT_TRUE(raise_count(*own_, counters_, line));
    ASSERT_TRUE(raise_count(*own_, counters_, line));
  }
  lower_count(*own_, counters_, 7);
  settle_counts(*own_, counters_);
  for (std::uint32_t line = 0; line < 200; ++line) {
    EXPECT_EQ(counters_[line].active, line == 3 ? 10U : 0U) << line;
  }
  settle_counts(*own_, counters_);
  EXPECT_EQ(counters_[3].active, 10U);
}

TEST_F(ActiveCountsTest, FullPageCountsNothingUntilAPlaceIsFree) {
  std::vector<std::uint32_t> counted;
  std::uint32_t refused = 0;
  for (std::uint32_t line = 0; line < 2000; ++line) {
    if (raise_count(*own_, counters_, line)) {
      counted.push_back(line);
    } else {
      refused = line;
      EXPECT_EQ(counters_[line].active, 0U);
    }
  }
  EXPECT_GT(counted.size(), kActiveCounts / 2);
  EXPECT_LE(counted.size(), kActiveCounts);
  for (const std::uint32_t line : counted)
    lower_count(*own_, counters_, line);
  for (const EndpointCounter& counter : counters_)
    EXPECT_EQ(counter.active, 0U);
  EXPECT_TRUE(raise_count(*own_, counters_, refused));
}

TEST_F(ActiveCountsTest, SharedCountNeverFallsBelowZero) {
  ASSERT_TRUE(raise_count(*own_, counters_, 3));
  counters_[3].active = 0;  // somebody of the group wrote there
  lower_count(*own_, counters_, 3);
  EXPECT_EQ(counters_[3].active, 0U);
  lower_count(*own_, counters_, 3);
  EXPECT_EQ(counters_[3].active, 0U);
}

}  // namespace
}  // namespace sluice::arena
