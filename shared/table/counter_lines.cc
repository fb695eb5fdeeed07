#include "shared/table/counter_lines.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/shared_word.h"

namespace sluice::table {
namespace {

using arena::CounterRef;
using arena::EndpointCounter;
using arena::RouteCounter;
using arena::SocketCounter;

// Whatever a line counts, it is managed as an EndpointCounter.
static_assert(offsetof(RouteCounter, active) == offsetof(EndpointCounter, active));
static_assert(offsetof(RouteCounter, identity) == offsetof(EndpointCounter, identity));
static_assert(offsetof(SocketCounter, reserved0) == offsetof(EndpointCounter, active));
static_assert(offsetof(SocketCounter, identity) == offsetof(EndpointCounter, identity));

// How many idle lines one acquire() looks at: requests may still run on the oldest ones.
constexpr int kLooks = 8;

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;

// Everything that can be counted, in lines of all kinds.
void zero(EndpointCounter& line) {
  arena::store_word(line.active, 0U, kRelaxed);
  arena::store_word(line.failures, 0U, kRelaxed);
  arena::store_word(line.reserved0, 0U, kRelaxed);
  arena::store_word(line.retry_at_ms, std::uint64_t{0}, kRelaxed);
  for (std::uint64_t& word : line.reserved1)
    arena::store_word(word, std::uint64_t{0}, kRelaxed);
}

}  // namespace

CounterLines::CounterLines(arena::Arena& arena) : arena_(arena) {
  const std::size_t count = arena.counters_file_bytes() / sizeof(EndpointCounter);
  for (std::uint32_t line = 0; line < count; ++line) {
    const EndpointCounter& found = counter(line);
    const Identity identity = {found.identity[0], found.identity[1]};
    if (identity == Identity{} && found.incarnation == 0) break;  // never used, nor those behind
    lines_.push_back({identity, std::max(found.incarnation, 1U), 0, arena.epoch()});
    idle_.push_back({line, arena.epoch()});
    if (identity != Identity{}) by_identity_.emplace(identity, line);
  }
}

EndpointCounter& CounterLines::counter(std::uint32_t line) const {
  return reinterpret_cast<EndpointCounter*>(arena_.counters_file())[line];
}

CounterLines::Words CounterLines::words_of(std::uint32_t line) const {
  static_assert(sizeof(Words) == sizeof(EndpointCounter));
  const auto* const from = reinterpret_cast<const std::uint64_t*>(&counter(line));
  Words words;
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = arena::load_word(from[i], kRelaxed);
  return words;
}

Result<CounterRef> CounterLines::acquire(const Identity& identity) {
  const auto known = by_identity_.find(identity);
  if (known != by_identity_.end()) {
    Line& line = lines_[known->second];
    ++line.users;
    return CounterRef{known->second, line.incarnation};
  }
  Result<std::uint32_t> line = take_line();
  if (!line) return tl::unexpected<Error>(std::move(line.error()));
  const std::uint32_t incarnation = std::max(lines_[*line].incarnation + 1, 1U);
  lines_[*line] = {identity, incarnation, 1, 0};
  by_identity_.emplace(identity, *line);
  EndpointCounter& taken = counter(*line);
  // The identity comes last: a successor that finds it finds its own numbers, or zeroes.
  arena::store_word(taken.incarnation, incarnation, kRelaxed);
  zero(taken);
  arena::store_word(taken.identity[0], identity[0], std::memory_order_release);
  arena::store_word(taken.identity[1], identity[1], std::memory_order_release);
  return CounterRef{*line, incarnation};
}

void CounterLines::release(std::uint32_t line) {
  Line& released = lines_[line];
  if (--released.users > 0) return;
  released.idle_since = arena_.epoch();
  idle_.push_back({line, released.idle_since});
}

bool CounterLines::forget(std::uint32_t line) {
  release(line);
  if (lines_[line].users > 0) return false;
  drop_identity(line);
  return true;
}

void CounterLines::forget_unused() {
  for (std::uint32_t line = 0; line < lines_.size(); ++line) {
    if (lines_[line].users == 0) drop_identity(line);
  }
}

void CounterLines::drop_identity(std::uint32_t line) {
  const Identity identity = std::exchange(lines_[line].identity, Identity{});
  const auto known = by_identity_.find(identity);
  if (known != by_identity_.end() && known->second == line) by_identity_.erase(known);
  arena::store_word(counter(line).identity[0], std::uint64_t{0}, kRelaxed);
  arena::store_word(counter(line).identity[1], std::uint64_t{0}, kRelaxed);
}

bool CounterLines::may_take(const Idle& idle) {
  return idle.epoch <= arena_.passed_epoch() &&
         arena::load_word(counter(idle.line).active, kRelaxed) == 0;
}

Result<std::uint32_t> CounterLines::take_line() {
  for (int look = 0; look < kLooks && !idle_.empty(); ++look) {
    const Idle idle = idle_.front();
    idle_.pop_front();
    Line& line = lines_[idle.line];
    if (line.users > 0 || line.idle_since != idle.epoch) continue;
    if (!may_take(idle)) {
      idle_.push_back(idle);
      continue;
    }
    drop_identity(idle.line);
    return idle.line;
  }
  const auto line = static_cast<std::uint32_t>(lines_.size());
  Result<void> grown = arena_.grow_counters_file((std::size_t{line} + 1) * sizeof(EndpointCounter));
  if (!grown) return propagate(std::move(grown), "growing the counters");
  lines_.emplace_back();
  return line;
}

}  // namespace sluice::table
