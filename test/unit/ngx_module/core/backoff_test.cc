#include "ngx_module/core/backoff.h"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

constexpr std::uint32_t kMostDraw = 0xffffffff;

TEST(BackoffTest, TheFirstPauseIsTheRulesOwn) {
  EXPECT_EQ(pause_ms(100, 0, 0), 100U);
}

TEST(BackoffTest, EachFurtherPauseIsTwiceAsLong) {
  EXPECT_EQ(pause_ms(100, 1, 0), 200U);
  EXPECT_EQ(pause_ms(100, 2, 0), 400U);
  EXPECT_EQ(pause_ms(100, 3, 0), 800U);
}

TEST(BackoffTest, PausesGrowToEightTimesTheFirst) {
  for (const std::uint32_t retries : {4U, 31U, 32U, 1000U, 0xffffffffU}) {
    EXPECT_EQ(pause_ms(100, retries, 0), 800U) << retries;
  }
}

TEST(BackoffTest, LessThanHalfAPauseIsAddedByLot) {
  EXPECT_EQ(pause_ms(100, 0, kMostDraw / 2 + 1), 125U);
  EXPECT_EQ(pause_ms(100, 0, kMostDraw), 149U);
  EXPECT_EQ(pause_ms(1, 0, kMostDraw), 1U);
}

TEST(BackoffTest, WithoutABackoffThereIsNoPause) {
  EXPECT_EQ(pause_ms(0, 5, kMostDraw), 0U);
}

TEST(BackoffTest, AHugeBackoffStaysWithinTimers) {
  EXPECT_EQ(pause_ms(0xffffffff, 1000, 0), kLongestPauseMs);
  EXPECT_LT(pause_ms(0xffffffff, 1000, kMostDraw), 2 * kLongestPauseMs);
}

TEST(BackoffTest, OnlyListedStatusesAreRetried) {
  table::Retry retry{};
  retry.statuses[(503 - 400) / 8] = 1 << ((503 - 400) % 8);
  retry.statuses[0] = 1;
  retry.statuses[(599 - 400) / 8] |= 1 << ((599 - 400) % 8);
  for (std::uint64_t status = 0; status < 1100; ++status) {
    EXPECT_EQ(retries_status(retry, status), status == 400 || status == 503 || status == 599)
        << status;
  }
}

TEST(BackoffTest, BitsBehind599AreNoStatus) {
  table::Retry retry{};
  for (std::uint8_t& byte : retry.statuses)
    byte = 0xff;
  EXPECT_FALSE(retries_status(retry, 399));
  EXPECT_TRUE(retries_status(retry, 599));
  EXPECT_FALSE(retries_status(retry, 600));
  EXPECT_FALSE(retries_status(retry, 655));
  EXPECT_FALSE(retries_status(retry, ~std::uint64_t{0}));
}

}  // namespace
}  // namespace sluice::core
