// Random numbers for choosing backends and endpoints: fast, per worker, seeded by the kernel, so
// that workers do not draw in step. Not for secrets.
// Process: nginx worker.   Thread: event loop.   Spec: splitmix64 (Steele, Lea, Flood 2014)
// Tested by: test/unit/ngx_module/balance/random_test.cc
#pragma once

#include <sys/random.h>
#include <unistd.h>

#include <cstdint>

namespace sluice::balance {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  static Random from_kernel() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
      seed = static_cast<std::uint64_t>(getpid()) * 0x9e3779b97f4a7c15;
    }
    return Random(seed);
  }

  std::uint32_t draw() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
  }

  // Below `bound`. REQUIRES: bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((std::uint64_t{draw()} * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::balance
