#include "shared/table/counter_lines.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/shared_word.h"
#include "shared/base/hash.h"
#include "shared/table/endpoints.h"

namespace sluice::table {
namespace {

using arena::EndpointCounter;

// How many idle lines one acquire() looks at: requests may still run on the oldest ones.
constexpr int kLooks = 8;

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;

Identity identity_of(const EndpointAddress& address) {
  std::string text;
  text += static_cast<char>(address.family);
  text += static_cast<char>(address.port >> 8);
  text += static_cast<char>(address.port & 0xff);
  for (const std::uint8_t byte : address.address)
    text += static_cast<char>(byte);
  text += address.path;
  return content_hash128(text);
}

}  // namespace

CounterLines::CounterLines(arena::Arena& arena) : arena_(arena) {
  const std::size_t count = arena.counters_file_bytes() / sizeof(EndpointCounter);
  for (std::uint32_t line = 0; line < count; ++line) {
    const EndpointCounter& found = counter(line);
    const Identity identity = {found.identity[0], found.identity[1]};
    if (identity == Identity{} && found.incarnation == 0) break;  // never used, nor those behind
    lines_.push_back({identity, 0, arena.epoch()});
    idle_.push_back({line, arena.epoch()});
    by_identity_.emplace(identity, line);
  }
}

EndpointCounter& CounterLines::counter(std::uint32_t line) {
  return reinterpret_cast<EndpointCounter*>(arena_.counters_file())[line];
}

Result<CounterLine> CounterLines::acquire(const EndpointAddress& address) {
  const Identity identity = identity_of(address);
  const auto known = by_identity_.find(identity);
  if (known != by_identity_.end()) {
    ++lines_[known->second].users;
    return CounterLine{known->second, counter(known->second).incarnation};
  }
  Result<std::uint32_t> line = take_line();
  if (!line) return tl::unexpected<Error>(std::move(line.error()));
  lines_[*line] = {identity, 1, 0};
  by_identity_.emplace(identity, *line);
  EndpointCounter& taken = counter(*line);
  taken.identity[0] = identity[0];
  taken.identity[1] = identity[1];
  arena::store_word(taken.active, 0U, kRelaxed);
  arena::store_word(taken.failures, 0U, kRelaxed);
  arena::store_word(taken.retry_at_ms, std::uint64_t{0}, kRelaxed);
  arena::store_word(taken.incarnation, std::max(taken.incarnation + 1, 1U), kRelaxed);
  return CounterLine{*line, taken.incarnation};
}

void CounterLines::release(std::uint32_t line) {
  Line& released = lines_[line];
  if (--released.users > 0) return;
  released.idle_since = arena_.epoch();
  idle_.push_back({line, released.idle_since});
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
    const auto known = by_identity_.find(line.identity);
    if (known != by_identity_.end() && known->second == idle.line) by_identity_.erase(known);
    return idle.line;
  }
  const auto line = static_cast<std::uint32_t>(lines_.size());
  Result<void> grown = arena_.grow_counters_file((std::size_t{line} + 1) * sizeof(EndpointCounter));
  if (!grown) return propagate(std::move(grown), "growing the counters");
  lines_.emplace_back();
  return line;
}

}  // namespace sluice::table
