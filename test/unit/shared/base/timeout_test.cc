#include "shared/base/timeout.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(TimeoutTest, TheSoonerOfTwoWaitsIsTheShorterAndForEverIsTheLongest) {
  EXPECT_EQ(sooner(5, 7), 5);
  EXPECT_EQ(sooner(7, 0), 0);
  EXPECT_EQ(sooner(kForEver, 7), 7);
  EXPECT_EQ(sooner(7, kForEver), 7);
  EXPECT_EQ(sooner(kForEver, kForEver), kForEver);
}

TEST(TimeoutTest, WhatIsPastIsDueAndWhatIsFarAwayFitsTheCall) {
  EXPECT_EQ(timeout_until(10, 4), 6);
  EXPECT_EQ(timeout_until(10, 10), 0);
  EXPECT_EQ(timeout_until(10, 11), 0);
  EXPECT_EQ(timeout_until(std::uint64_t{1} << 40, 0), INT_MAX);
}

}  // namespace
}  // namespace sluice
