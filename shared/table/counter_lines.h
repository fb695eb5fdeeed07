// Gives each endpoint address a line of the file `counters`, the same one as long as anybody may
// count there.
//
// Process: controller.   Thread: event loop.   Borrows the Arena.
// Never trusts what it finds in the file: workers write there. A false identity gives an address a
// line that has a history, which only shifts the balance.
// Fails: acquire() with Errc::kFull.   Tested by: test/unit/shared/table/endpoints_test.cc
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "shared/base/result.h"

namespace sluice::arena {
class Arena;
struct EndpointCounter;
}  // namespace sluice::arena

namespace sluice::table {

struct EndpointAddress;

using Identity = std::array<std::uint64_t, 2>;

struct CounterLine {
  std::uint32_t line = 0;
  std::uint32_t incarnation = 0;
};

class CounterLines {
 public:
  // Finds the lines of a predecessor.
  explicit CounterLines(arena::Arena& arena);

  // One more user of the address's line.
  Result<CounterLine> acquire(const EndpointAddress& address);
  // REQUIRES: after the list that named the line was unlinked.
  void release(std::uint32_t line);

 private:
  struct Line {
    Identity identity{};
    std::uint32_t users = 0;
    std::uint64_t idle_since = 0;  // epoch
  };

  struct Idle {
    std::uint32_t line;
    std::uint64_t epoch;
  };

  arena::EndpointCounter& counter(std::uint32_t line);
  bool may_take(const Idle& idle);
  Result<std::uint32_t> take_line();

  arena::Arena& arena_;
  std::map<Identity, std::uint32_t> by_identity_;
  std::vector<Line> lines_;
  std::deque<Idle> idle_;  // oldest first; an entry whose line was used again is skipped
};

}  // namespace sluice::table
