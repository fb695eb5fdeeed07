// Generated tables of a given size, requests that meet them, and the sorted linear scan to compare
// with. The generator is seeded: equal arguments give equal worlds.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/match/matcher.h"
#include "test/oracle/oracle.h"

namespace sluice::bench {

enum class Shape : std::uint8_t {
  kServices,     // many hosts, paths like /api/v1/orders, one match in eight with conditions
  kOneHost,      // every rule on one host
  kHeadersOnly,  // every rule on the path "/", told apart by one header
};

struct Size {
  Shape shape = Shape::kServices;
  std::uint32_t rules = 0;
  std::uint32_t hosts = 1;  // kServices
};

oracle::World make_world(const Size& size);
std::vector<oracle::Request> make_requests(const oracle::World& world, std::uint32_t count);

// What proxies without an index do: hash the host, then try its rules in precedence order.
// Serves worlds of one listener.
class LinearScan {
 public:
  // Borrows the world.
  explicit LinearScan(const oracle::World& world);

  const table::Rule* find(const match::RequestView& request) const;

 private:
  struct Candidate {
    const table::Rule* rule;
    std::vector<std::uint32_t> name_hashes;  // of the conditions
  };

  using Candidates = std::vector<Candidate>;

  static bool fits(const Candidate& candidate, const match::RequestView& request);

  std::unordered_map<std::string_view, Candidates> exact_;
  std::unordered_map<std::string_view, Candidates> wildcard_;
};

}  // namespace sluice::bench
