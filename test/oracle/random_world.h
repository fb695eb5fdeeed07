// Random worlds over small alphabets, so that rules overlap, tie and fall through; and requests
// that meet them.
#pragma once

#include <cstdint>
#include <random>

#include "test/oracle/oracle.h"

namespace sluice::oracle {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(engine_() >> 32) % bound;
  }

  bool percent(std::uint32_t chance) { return below(100) < chance; }

  template <class Container>
  const auto& pick(const Container& container) {
    return container[below(static_cast<std::uint32_t>(container.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

struct WorldShape {
  std::uint32_t listeners = 6;
  std::uint32_t routes = 40;
  std::uint32_t regex_percent = 15;      // of matches
  std::uint32_t condition_percent = 45;  // of matches
  std::uint32_t header_values = 3;       // more: entries spread over the header index
  bool relays = false;                   // listeners and rules for connections, not requests
};

World random_world(Random& random, const WorldShape& shape);

Request random_request(Random& random, const World& world, const WorldShape& shape);

}  // namespace sluice::oracle
