#include "shared/base/bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace sluice {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(BytesTest, ArrayThatEndsAtTheLimitFits) {
  EXPECT_TRUE(fits(16, 3, 8, 40));
  EXPECT_FALSE(fits(16, 3, 8, 39));
  EXPECT_FALSE(fits(17, 3, 8, 40));
}

TEST(BytesTest, NothingFitsBehindTheLimit) {
  EXPECT_TRUE(fits(40, 0, 8, 40));
  EXPECT_FALSE(fits(41, 0, 8, 40));
}

TEST(BytesTest, NumbersThatWouldWrapAreRefused) {
  EXPECT_FALSE(fits(8, kMax, 8, 40));
  EXPECT_FALSE(fits(kMax, 1, 8, 40));
  EXPECT_FALSE(fits(8, kMax / 8 + 1, 8, 40));
  EXPECT_FALSE(fits(kMax - 7, 1, 16, kMax));
}

TEST(BytesTest, AlignsUpToThePowerOfTwo) {
  EXPECT_EQ(align_up(0, 64), 0U);
  EXPECT_EQ(align_up(1, 64), 64U);
  EXPECT_EQ(align_up(64, 64), 64U);
}

}  // namespace
}  // namespace sluice
