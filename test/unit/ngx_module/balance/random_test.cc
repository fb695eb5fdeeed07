#include "ngx_module/balance/random.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice::balance {
namespace {

TEST(RandomTest, StaysBelowTheBoundAndReachesEverything) {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) {
    const std::uint32_t drawn = random.below(7);
    ASSERT_LT(drawn, 7U);
    ++seen[drawn];
  }
  for (const int count : seen) {
    EXPECT_GT(count, 800);
    EXPECT_LT(count, 1200);
  }
}

TEST(RandomTest, WorkersDoNotDrawInStep) {
  Random one = Random::from_kernel();
  Random other = Random::from_kernel();
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    same += one.draw() == other.draw() ? 1 : 0;
  }
  EXPECT_LT(same, 3);
}

}  // namespace
}  // namespace sluice::balance
