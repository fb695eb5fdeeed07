#include "shared/arena/active_counts.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "shared/arena/shared_word.h"

namespace sluice::arena {
namespace {

constexpr std::size_t kWindow = 16;  // places where the count of one line may be

// Relaxed everywhere: these are numbers to compare, nothing is published through them.
constexpr std::memory_order kRelaxed = std::memory_order_relaxed;

std::size_t window_start(std::uint32_t line) {
  return ((line * 0x9e3779b1U) >> 16) % kActiveCounts;
}

ActiveCount& place(WorkerSlot& own, std::uint32_t line, std::size_t step) {
  return own.active[(window_start(line) + step) % kActiveCounts];
}

ActiveCount* find_count(WorkerSlot& own, std::uint32_t line) {
  for (std::size_t step = 0; step < kWindow; ++step) {
    ActiveCount& count = place(own, line, step);
    if (count.counter == line + 1) return &count;
  }
  return nullptr;
}

ActiveCount* find_free(WorkerSlot& own, std::uint32_t line) {
  for (std::size_t step = 0; step < kWindow; ++step) {
    ActiveCount& count = place(own, line, step);
    if (count.active == 0) return &count;
  }
  return nullptr;
}

// Never below zero, whatever another member of the group wrote there.
void subtract(EndpointCounter& counter, std::uint32_t amount) {
  std::atomic_ref<std::uint32_t> active(counter.active);
  std::uint32_t seen = active.load(kRelaxed);
  while (!active.compare_exchange_weak(seen, seen - std::min(seen, amount), kRelaxed)) {
  }
}

}  // namespace

bool raise_count(WorkerSlot& own, std::span<EndpointCounter> counters, std::uint32_t line) {
  if (line >= counters.size()) return false;
  ActiveCount* count = find_count(own, line);
  if (count == nullptr) {
    count = find_free(own, line);
    if (count == nullptr) return false;
    store_word(count->counter, line + 1, kRelaxed);
  }
  std::atomic_ref<std::uint32_t>(counters[line].active).fetch_add(1, kRelaxed);
  store_word(count->active, count->active + 1, std::memory_order_release);
  return true;
}

void lower_count(WorkerSlot& own, std::span<EndpointCounter> counters, std::uint32_t line) {
  ActiveCount* const count = find_count(own, line);
  if (count == nullptr || count->active == 0) return;
  store_word(count->active, count->active - 1, kRelaxed);
  if (line < counters.size()) subtract(counters[line], 1);
}

void settle_counts(WorkerSlot& own, std::span<EndpointCounter> counters) {
  for (ActiveCount& count : own.active) {
    const std::uint32_t line = load_word(count.counter, kRelaxed) - 1;
    const std::uint32_t active = load_word(count.active, kRelaxed);
    store_word(count.active, 0U, kRelaxed);
    store_word(count.counter, 0U, kRelaxed);
    if (active != 0 && line < counters.size()) subtract(counters[line], active);
  }
}

}  // namespace sluice::arena
