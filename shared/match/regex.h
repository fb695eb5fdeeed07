// Regular expressions of the table, compiled once per worker and outside requests. RE2's types stay
// in regex.cc.
//
// The controller publishes the list of patterns before the rules that use them; a worker calls
// warm() from a timer until the list is warm and acknowledges it. A pattern that a request needs
// earlier is compiled on the spot and counted. A pattern always matches the whole text.
//
// A compiled pattern is looked up by its id and compared with the text it was asked for, so that an
// id that means something else after a restart gives no wrong answer. Sets (one automaton for all
// path patterns of a shard) are checked against the texts whenever the list changes.
//
// Process: nginx worker; controller (check_pattern only); sluicectl.   Thread: one.
// Allocates: yes, as RE2 does.   Fails: never; a pattern that RE2 refuses matches nothing.
// Tested by: test/unit/shared/match/regex_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "shared/base/result.h"
#include "shared/table/reader.h"

namespace sluice::match {

inline constexpr std::size_t kMaxPatternBytes = 1024;

// Whether a pattern may enter the table: valid RE2 syntax, at most kMaxPatternBytes, compiled
// within 1 MiB. The error is the sentence for the user.
Result<void> check_pattern(std::string_view pattern);

class RegexCache {
 public:
  struct Warmth {
    bool complete = false;         // every pattern and set of the list is compiled
    std::uint64_t generation = 0;  // of the published PatternList; 0: the table has none
  };

  RegexCache();
  ~RegexCache();
  RegexCache(const RegexCache&) = delete;
  RegexCache& operator=(const RegexCache&) = delete;

  // Compiles what the published list has and the cache has not, until `budget_us` of `now_us` (a
  // monotonic clock) are over, and goes on there the next time. What the list has no more is
  // dropped when all is compiled. Cheap when the list is warm.
  Warmth warm(const table::Reader& reader, std::uint64_t budget_us, std::uint64_t (*now_us)());

  bool matches(std::uint32_t id, std::string_view pattern, std::string_view text);

  // The members of a set that match, as ascending positions; valid until the next call. None: the
  // set is not warm, or RE2 has no memory for it: ask each pattern by itself.
  std::optional<std::span<const int>> match_set(std::uint64_t set_hash, std::string_view text);

  std::uint64_t compiled_late() const;  // patterns compiled because a request needed them
  std::size_t patterns() const;         // compiled ones

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::match
