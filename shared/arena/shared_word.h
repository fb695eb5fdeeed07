// Atomic access to words of shared memory. The records are plain structs (they are a format), so
// the atomicity is said where a word is used.
// Process: all.   Tested by: test/property/arena_threads_test.cc
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::arena {

static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free,
              "a lock in one process's memory cannot guard a word of another");
static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free);

// The const_cast is for atomic_ref, which takes no const object before C++26; loading writes
// nothing, so read-only mappings are fine.
template <class Word>
Word load_word(const Word& word, std::memory_order order) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(order);
}

template <class Word>
void store_word(Word& word, Word value, std::memory_order order) {
  std::atomic_ref<Word>(word).store(value, order);
}

}  // namespace sluice::arena
