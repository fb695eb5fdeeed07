// The matcher equals the oracle on random tables: wildcards, trailing slashes, ties, regular
// expressions, several routes on one hostname, listener isolation. SLUICE_ORACLE_REQUESTS sets how
// many requests are asked; SLUICE_ORACLE_SEED repeats a run.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/oracle/live_table.h"
#include "test/oracle/oracle.h"
#include "test/oracle/random_world.h"

namespace sluice::oracle {
namespace {

constexpr std::uint64_t kCiRequests = 1'000'000;
constexpr std::uint64_t kFullRequests = 50'000'000;
constexpr int kMostMismatches = 10;

std::uint64_t knob(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Many small worlds, fewer large ones, some with a node full of header rules or a shard full of
// regular expressions.
WorldShape random_shape(Random& random) {
  WorldShape shape;
  shape.listeners = 1 + random.below(8);
  shape.routes = 1 + random.below(30);
  if (random.percent(10)) shape.routes = 300;
  if (random.percent(20)) shape.regex_percent = 60;
  if (random.percent(20)) shape.condition_percent = 95;
  if (random.percent(20)) shape.header_values = 30;
  return shape;
}

class MatchRandomTest : public ::testing::Test {
 protected:
  // Asks both; returns how often they differ.
  int compare(const World& world, const WorldShape& shape, std::uint64_t requests) {
    const Oracle oracle(world);
    int mismatches = 0;
    for (std::uint64_t i = 0; i < requests && mismatches < kMostMismatches; ++i) {
      const Request request = random_request(random_, world, shape);
      const Answer expected = oracle.find(request);
      const Answer found = table_.find(request);
      matched_ += expected.outcome == match::Outcome::kMatched ? 1 : 0;
      if (found == expected) continue;
      ++mismatches;
      ADD_FAILURE() << describe(request) << "\n  oracle: " << describe(expected)
                    << "\n  table:  " << describe(found);
    }
    return mismatches;
  }

  std::uint64_t seed_ = knob("SLUICE_ORACLE_SEED", 20'261'121);
  Random random_{seed_};
  LiveTable table_;
  std::uint64_t matched_ = 0;
};

TEST_F(MatchRandomTest, TheTableAnswersLikeTheSpecification) {
  const std::uint64_t wanted = knob("SLUICE_ORACLE_REQUESTS", kCiRequests);
  std::uint64_t asked = 0;
  std::uint64_t worlds = 0;
  int mismatches = 0;
  while (asked < wanted && mismatches < kMostMismatches) {
    const WorldShape shape = random_shape(random_);
    const World world = random_world(random_, shape);
    table_.put(world);
    if (random_.percent(50)) table_.warm();  // else requests compile what they need
    constexpr std::uint64_t kRequestsPerWorld = 4000;
    mismatches += compare(world, shape, kRequestsPerWorld);
    table_.remove(world);
    asked += kRequestsPerWorld;
    ++worlds;
  }
  EXPECT_EQ(mismatches, 0);
  EXPECT_GT(matched_, asked / 4) << "most requests must meet a rule for the test to mean anything";
  std::printf(
      "requests %llu (CI %llu, full %llu) over %llu worlds, %llu matched, %d mismatches, seed "
      "%llu\n",
      static_cast<unsigned long long>(asked), static_cast<unsigned long long>(kCiRequests),
      static_cast<unsigned long long>(kFullRequests), static_cast<unsigned long long>(worlds),
      static_cast<unsigned long long>(matched_), mismatches,
      static_cast<unsigned long long>(seed_));
}

}  // namespace
}  // namespace sluice::oracle
