// Hashes of short strings (hosts, path segments, headers) and content hashes for identities.
//
// hash_bytes is the table's hash: folded multiply of 16-byte blocks, keyed by a 64-bit seed that
// enters both factors of every product, so that no input collides for all seeds. It reads no byte
// outside the text, and so needs no padding at a page's end. Its values are part of the table's
// format: writer and reader must agree, on the same byte order.
//
// A path is hashed as it is cut: state = seed, then state = hash_continue(state, segment) for each
// segment. The length of each segment enters, so "ab" + "c" and "a" + "bc" differ.
//
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.
// Tested by: test/unit/shared/base/hash_test.cc
#pragma once

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice {

namespace hash_internal {

__extension__ using Uint128 = unsigned __int128;

// Odd numbers with about half of their bits set: digits of pi.
inline constexpr std::uint64_t kLength = 0x9e3779b97f4a7c15;
inline constexpr std::uint64_t kBlock = 0x243f6a8885a308d3;
inline constexpr std::uint64_t kFinish = 0x13198a2e03707345;
inline constexpr std::uint64_t kState = 0xa4093822299f31d1;

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t load8(const char* p) {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline std::uint64_t load4(const char* p) {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline std::uint64_t mix_block(std::uint64_t state, std::uint64_t a, std::uint64_t b) {
  return fold(a ^ state, b ^ kBlock ^ (state << 32 | state >> 32));
}

}  // namespace hash_internal

inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  using namespace hash_internal;
  const char* p = text.data();
  const std::size_t bytes = text.size();
  std::uint64_t state = seed ^ (bytes * kLength);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (bytes >= 8) {
    for (std::size_t left = bytes; left > 16; left -= 16, p += 16) {
      state = mix_block(state, load8(p), load8(p + 8));
    }
    // The last block overlaps the one before it (or itself) instead of reading past the end.
    const char* const end = text.data() + bytes;
    a = load8(bytes >= 16 ? end - 16 : text.data());
    b = load8(end - 8);
  } else if (bytes >= 4) {
    a = load4(p);
    b = load4(p + bytes - 4);
  } else if (bytes > 0) {
    const auto byte = [p](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(p[i])};
    };
    a = byte(0) << 16 | byte(bytes / 2) << 8 | byte(bytes - 1);
  }
  return fold(mix_block(state, a, b) ^ kState, kFinish);
}

// The hash of everything hashed into `previous` (at first: the seed), followed by `segment`.
inline std::uint64_t hash_continue(std::uint64_t previous, std::string_view segment) {
  return hash_bytes(segment, previous);
}

// XXH3 with 128 bits: the identity of a content across restarts. Not keyed: never a defence.
inline std::array<std::uint64_t, 2> content_hash128(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return {hash.low64, hash.high64};
}

}  // namespace sluice
