// The bytes of a published table between two pages that must not be touched, to be corrupted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/match/matcher.h"
#include "shared/table/format.h"
#include "shared/table/reader.h"
#include "test/oracle/live_table.h"
#include "test/oracle/random_world.h"

namespace sluice::fuzz {

class GuardedTable {
 public:
  // Copies what the table's segment holds.
  explicit GuardedTable(oracle::LiveTable& table);
  ~GuardedTable();
  GuardedTable(const GuardedTable&) = delete;
  GuardedTable& operator=(const GuardedTable&) = delete;

  table::Reader reader() const;

  std::size_t bytes() const { return bytes_; }

  // Replaces one aligned word; safe while somebody reads.
  void store(std::size_t word, std::uint32_t value);
  std::uint32_t load(std::size_t word) const;

  std::size_t words() const { return used_words_; }

  // The same until restore().
  void change(std::size_t word, std::uint32_t value);

  // Makes one to `most` changes: bits, words, copies of other words, ones, runs of zeroes.
  void corrupt(oracle::Random& random, std::uint32_t most);
  void restore();

 private:
  void corrupt_once(oracle::Random& random);

  std::byte* mapping_ = nullptr;  // a guard page, the bytes, a guard page
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t used_words_ = 0;
  table::Offset root_ = 0;
  std::vector<std::uint32_t> original_;
  std::vector<std::size_t> changed_;
};

// Whether a rule is for the request, or for a connection to its host.
bool is_served(oracle::LiveTable& live, const oracle::Request& request);

// Reads everything of a match that a request copies, as one; a sum, so that nothing is left out.
std::uint64_t read_match(const table::Reader& reader, const match::Match& match,
                         std::uint32_t draw);

}  // namespace sluice::fuzz
