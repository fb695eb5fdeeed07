#include "ngx_module/balance/failure_memory.h"

#include <algorithm>
#include <atomic>

#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"

namespace sluice::balance {

namespace {

constexpr std::uint64_t kFirstPauseMs = 1000;
constexpr std::uint64_t kLongestPauseMs = 10000;

arena::EndpointCounter* find_line(std::span<std::byte> counters, CounterRef counter) {
  return arena::find_counter<arena::EndpointCounter>(counters, counter);
}

template <class T>
std::atomic_ref<T> relaxed(T& word) {
  return std::atomic_ref<T>(word);
}

}  // namespace

std::span<std::byte> counters_of(arena::ReadMapping& mapping, CounterRef counter) {
  return mapping.counters_file((std::size_t{counter.line} + 1) * sizeof(arena::EndpointCounter));
}

Load load_of(std::span<std::byte> counters, CounterRef counter, std::uint64_t now_ms) {
  arena::EndpointCounter* const line = find_line(counters, counter);
  if (line == nullptr) return {};
  const std::uint64_t retry_at = relaxed(line->retry_at_ms).load(std::memory_order_relaxed);
  // A time far ahead is a leftover from before a reboot, or no time at all.
  const bool failed_lately = retry_at > now_ms && retry_at - now_ms <= kLongestPauseMs;
  return {relaxed(line->active).load(std::memory_order_relaxed), failed_lately};
}

void note_failure(std::span<std::byte> counters, CounterRef counter, std::uint64_t now_ms) {
  arena::EndpointCounter* const line = find_line(counters, counter);
  if (line == nullptr) return;
  // Failures of requests that were under way together count once.
  if (load_of(counters, counter, now_ms).failed_lately) return;
  const std::uint32_t before = relaxed(line->failures).load(std::memory_order_relaxed);
  const std::uint64_t pause =
      std::min(kLongestPauseMs, kFirstPauseMs << std::min<std::uint32_t>(before, 4));
  relaxed(line->failures)
      .store(std::min<std::uint32_t>(before, 1000) + 1, std::memory_order_relaxed);
  relaxed(line->retry_at_ms).store(now_ms + pause, std::memory_order_relaxed);
}

void note_success(std::span<std::byte> counters, CounterRef counter) {
  arena::EndpointCounter* const line = find_line(counters, counter);
  if (line == nullptr) return;
  if (relaxed(line->failures).load(std::memory_order_relaxed) == 0) return;
  relaxed(line->failures).store(0, std::memory_order_relaxed);
  relaxed(line->retry_at_ms).store(0, std::memory_order_relaxed);
}

}  // namespace sluice::balance
