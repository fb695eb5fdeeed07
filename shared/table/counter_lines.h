// Gives each identity a line of the file `counters`, the same one as long as anybody may count
// there: endpoint addresses, routes of streams, listening sockets.
//
// A line that is given away again is zeroed and has another incarnation, so that who still knows
// the one before counts nothing there.
//
// Process: controller.   Thread: event loop.   Borrows the Arena.
// Never trusts what it finds in the file: workers write there. A false identity gives a line that
// has a history, which only shifts the balance and the totals.
// Fails: acquire() with Errc::kFull.   Tested by: test/unit/shared/table/counter_lines_test.cc,
// test/unit/shared/table/endpoints_test.cc
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "shared/arena/counter_ref.h"
#include "shared/base/result.h"

namespace sluice::arena {
class Arena;
struct EndpointCounter;
}  // namespace sluice::arena

namespace sluice::table {

using Identity = std::array<std::uint64_t, 2>;  // content hash of what a line is of

class CounterLines {
 public:
  // Finds the lines of a predecessor.
  explicit CounterLines(arena::Arena& arena);

  // One more user of the identity's line.
  Result<arena::CounterRef> acquire(const Identity& identity);
  // One less. Without users it stays the identity's until another one needs it.
  // REQUIRES: after what named the line was unlinked.
  void release(std::uint32_t line);
  // As release(), but without users (true) the identity begins anew, with another line.
  bool forget(std::uint32_t line);
  // Whoever has no line now begins anew: after a predecessor's were acquired.
  void forget_unused();

  // A copy of a line. REQUIRES: it was acquired.
  template <class Counter>
  Counter read(std::uint32_t line) const {
    return std::bit_cast<Counter>(words_of(line));
  }

 private:
  using Words = std::array<std::uint64_t, 8>;

  struct Line {
    Identity identity{};
    std::uint32_t incarnation = 0;
    std::uint32_t users = 0;
    std::uint64_t idle_since = 0;  // epoch
  };

  struct Idle {
    std::uint32_t line;
    std::uint64_t epoch;
  };

  arena::EndpointCounter& counter(std::uint32_t line) const;
  Words words_of(std::uint32_t line) const;
  void drop_identity(std::uint32_t line);
  bool may_take(const Idle& idle);
  Result<std::uint32_t> take_line();

  arena::Arena& arena_;
  std::map<Identity, std::uint32_t> by_identity_;
  std::vector<Line> lines_;
  std::deque<Idle> idle_;  // oldest first; an entry whose line was used again is skipped
};

}  // namespace sluice::table
