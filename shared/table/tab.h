// The read side of Tab: finds the blobs filed under a hash, on untrusted bytes.
//
// A probe compares ten tags at once and goes on to the next line only when this one says that a key
// which belongs here lies further on: at most kMaxProbes lines, whatever the memory says. A tag
// proves nothing; the visitor compares the whole key with what the blob repeats of it.
//
//   find_in_tab(reader, root->shards, hash, [&](Offset offset) {
//     shard = reader.read<Shard>(offset);
//     return shard && is_the_one(*shard);  // true ends the search
//   });
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing.
// Written by: shared/table/tab_writer.cc   Tested by: test/unit/shared/table/reader_test.cc
#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/table/format.h"
#include "shared/table/keys.h"
#include "shared/table/reader.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::table {

namespace tab_internal {

// Bit i: pair i of the line has this tag. REQUIRES: a whole Line is readable at `line`.
#if defined(__SSE2__)
inline std::uint32_t pairs_with_tag(const std::byte* line, std::uint16_t tag) {
  const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
  const __m128i* tags = reinterpret_cast<const __m128i*>(line);
  // The second load runs into the offsets; the mask cuts them off.
  const __m128i first = _mm_cmpeq_epi16(_mm_loadu_si128(tags), wanted);
  const __m128i second = _mm_cmpeq_epi16(_mm_loadu_si128(tags + 1), wanted);
  const int mask = _mm_movemask_epi8(_mm_packs_epi16(first, second));
  return static_cast<std::uint32_t>(mask) & 0x3ff;
}
#else
inline std::uint32_t pairs_with_tag(const std::byte* line, std::uint16_t tag) {
  std::uint32_t mask = 0;
  const std::uint16_t* tags = reinterpret_cast<const std::uint16_t*>(line);
  for (std::uint32_t i = 0; i < 10; ++i) {
    const bool same = __atomic_load_n(tags + i, __ATOMIC_RELAXED) == tag;
    mask |= static_cast<std::uint32_t>(same) << i;
  }
  return mask;
}
#endif

inline Offset pair_offset(const std::byte* line, std::uint32_t pair) {
  return Reader::copy<std::uint32_t>(line + offsetof(Line, off) + pair * sizeof(Offset));
}

inline bool overflows(const std::byte* line) {
  const std::byte* tail = line + offsetof(Line, count);
  return Reader::copy<std::uint32_t>(tail) >> 16 != 0;  // count is the lower half
}

}  // namespace tab_internal

// Line `index` of `tab`, or null when it does not fit. REQUIRES: index < tab.lines.
inline const std::byte* line_at(const Reader& reader, const Tab& tab, std::uint32_t index) {
  if (tab.paged == 0) {
    return reader.bytes_at(tab.off, std::uint64_t{index} * sizeof(Line), sizeof(Line));
  }
  const std::optional<Offset> page = reader.read_element<Offset>(tab.off, 0, index / kLinesPerPage);
  if (!page) return nullptr;
  return reader.bytes_at(*page, index % kLinesPerPage * sizeof(Line), sizeof(Line));
}

// Calls visit(Offset) -> bool for each candidate until it returns true; whether one did.
// REQUIRES: `tab` is a local copy.
template <class Visit>
bool find_in_tab(const Reader& reader, const Tab& tab, std::uint64_t hash, Visit&& visit) {
  if (tab.lines == 0) return false;
  const std::uint16_t tag = tag_of(hash);
  std::uint32_t index = line_of(hash, tab.lines);
  for (std::uint32_t probe = 0; probe < kMaxProbes; ++probe) {
    const std::byte* line = line_at(reader, tab, index);
    if (line == nullptr) return false;
    for (std::uint32_t pairs = tab_internal::pairs_with_tag(line, tag); pairs != 0;
         pairs &= pairs - 1) {
      const std::uint32_t pair = static_cast<std::uint32_t>(__builtin_ctz(pairs));
      if (visit(tab_internal::pair_offset(line, pair))) return true;
    }
    if (!tab_internal::overflows(line)) return false;
    index = index + 1 == tab.lines ? 0 : index + 1;
  }
  return false;
}

// Calls visit(Offset) for every pair, in no useful order; bounded by what the mapping can hold.
// Returns false when a line does not fit or there are more pairs than blobs can exist.
template <class Visit>
bool for_each_in_tab(const Reader& reader, const Tab& tab, Visit&& visit) {
  std::uint64_t left = reader.units();
  for (std::uint32_t index = 0; index < tab.lines; ++index) {
    const std::byte* from = line_at(reader, tab, index);
    if (from == nullptr || left == 0) return false;
    --left;
    const Line line = Reader::copy<Line>(from);
    for (std::uint32_t pair = 0; pair < 10; ++pair) {
      if (line.tag[pair] == 0) continue;
      if (left == 0) return false;
      --left;
      visit(line.off[pair]);
    }
  }
  return true;
}

}  // namespace sluice::table
