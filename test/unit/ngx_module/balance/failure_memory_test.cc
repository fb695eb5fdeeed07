#include "ngx_module/balance/failure_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <span>

#include "shared/arena/layout.h"

namespace sluice::balance {
namespace {

class FailureMemoryTest : public testing::Test {
 protected:
  FailureMemoryTest() { lines_[1].incarnation = 5; }

  std::span<std::byte> counters() { return std::as_writable_bytes(std::span(lines_)); }

  bool failed(std::uint64_t now_ms) { return load_of(counters(), kLine, now_ms).failed_lately; }

  static constexpr CounterRef kLine{1, 5};
  std::array<arena::EndpointCounter, 2> lines_{};
};

TEST_F(FailureMemoryTest, AFailureLastsOneSecond) {
  note_failure(counters(), kLine, 10000);
  EXPECT_TRUE(failed(10000));
  EXPECT_TRUE(failed(10999));
  EXPECT_FALSE(failed(11000));
}

TEST_F(FailureMemoryTest, EachFurtherOneTwiceAsLongUpToTenSeconds) {
  std::uint64_t now = 1000;
  for (const std::uint64_t pause : {1000, 2000, 4000, 8000, 10000, 10000}) {
    note_failure(counters(), kLine, now);
    EXPECT_TRUE(failed(now + pause - 1)) << pause;
    EXPECT_FALSE(failed(now + pause)) << pause;
    now += pause;
  }
}

TEST_F(FailureMemoryTest, FailuresUnderWayTogetherCountOnce) {
  note_failure(counters(), kLine, 1000);
  note_failure(counters(), kLine, 1001);
  EXPECT_FALSE(failed(2000));
}

TEST_F(FailureMemoryTest, ASuccessForgetsAll) {
  note_failure(counters(), kLine, 1000);
  note_success(counters(), kLine);
  EXPECT_FALSE(failed(1001));
  note_failure(counters(), kLine, 2000);
  EXPECT_FALSE(failed(3000));
}

TEST_F(FailureMemoryTest, ALineOfAnotherAddressIsLeftAlone) {
  const CounterRef old{1, 4};
  lines_[1].active = 9;
  note_failure(counters(), old, 1000);
  EXPECT_FALSE(failed(1001));
  EXPECT_EQ(load_of(counters(), old, 0).active, 0U);
  EXPECT_EQ(load_of(counters(), kLine, 0).active, 9U);
}

TEST_F(FailureMemoryTest, ALineOutsideTheFileIsNothing) {
  note_failure(counters(), {2, 5}, 1000);
  note_success(counters(), {0xffffffff, 5});
  EXPECT_EQ(load_of(counters(), {2, 0}, 0).active, 0U);
}

TEST_F(FailureMemoryTest, ATimeFromBeforeARebootIsNoFailure) {
  lines_[1].retry_at_ms = 1000000000;
  EXPECT_FALSE(failed(1000));
}

}  // namespace
}  // namespace sluice::balance
