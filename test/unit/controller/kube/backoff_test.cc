#include "controller/kube/backoff.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

namespace sluice::kube {
namespace {

TEST(BackoffTest, PausesGrowToABoundAndStartOverAfterAReset) {
  Backoff backoff(3);
  EXPECT_TRUE(backoff.is_fresh());
  for (int i = 0; i < 100; ++i)
    EXPECT_LE(backoff.next_ms(), Backoff::kLongestMs);
  EXPECT_GE(backoff.next_ms(), Backoff::kLongestMs / 2);
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), Backoff::kFirstMs);
}

TEST(BackoffTest, PausesDependOnTheSeedOnly) {
  const auto pauses = [](std::uint64_t seed) {
    Backoff backoff(seed);
    std::vector<std::uint64_t> all(10);
    std::ranges::generate(all, [&] { return backoff.next_ms(); });
    return all;
  };
  EXPECT_EQ(pauses(1), pauses(1));
  EXPECT_NE(pauses(1), pauses(2));
}

}  // namespace
}  // namespace sluice::kube
