// How long to wait before the next try: doubled from try to try, bounded, with jitter, so that many
// who lost one server do not come back at once.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/kube/backoff_test.cc
#pragma once

#include <cstdint>
#include <random>

namespace sluice::kube {

class Backoff {
 public:
  static constexpr std::uint64_t kFirstMs = 500;
  static constexpr std::uint64_t kLongestMs = 30'000;

  explicit Backoff(std::uint64_t seed) : random_(seed) {}

  // At least half of what it is without jitter.
  std::uint64_t next_ms();

  void reset() { tries_ = 0; }

  // Whether nothing failed since the last reset().
  bool is_fresh() const { return tries_ == 0; }

  // One of [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + random_() % (high - low + 1);
  }

 private:
  std::mt19937_64 random_;
  unsigned tries_ = 0;
};

}  // namespace sluice::kube
