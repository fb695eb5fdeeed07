// The hashes under which the route table files its keys: writer and reader must agree on them.
//
// A hash chooses a line by its upper half and a tag by its lowest 16 bits (tab.h). All hashes are
// keyed by Root::hash_seed. A path is cut in front of each '/': "/a/b" has the segments "/a" and
// "/b", "/a/" has "/a" and "/", the prefix "/" is the empty path and has none; a path's depth is
// its number of segments. So the hash of every prefix of a request's path falls off on the way.
//
// Process: all.   Thread: any.   Allocates: nothing.   Format: shared/doc/table_format.md, "Keys"
// Tested by: test/unit/shared/table/reader_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "shared/base/hash.h"
#include "shared/table/format.h"

namespace sluice::table {

namespace keys_internal {

inline constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;

// Lets a number take part in the hash of a name.
inline std::uint64_t seed_with(std::uint64_t seed, std::uint64_t number) {
  return seed + number * kSpread;
}

}  // namespace keys_internal

// Of Root::sockets.
inline std::uint64_t socket_key_hash(std::uint64_t seed, Transport transport, Family family,
                                     std::uint16_t port,
                                     std::span<const std::uint8_t, 16> address) {
  const std::uint64_t number = std::uint64_t{static_cast<std::uint8_t>(transport)} << 24 |
                               std::uint64_t{port} << 8 | static_cast<std::uint8_t>(family);
  return hash_bytes({reinterpret_cast<const char*>(address.data()), address.size()},
                    keys_internal::seed_with(seed, number));
}

// Of Root::named. `port` 0: the Gateway's only one.
inline std::uint64_t named_key_hash(std::uint64_t seed, std::string_view gateway,
                                    std::uint16_t port) {
  return hash_bytes(gateway, keys_internal::seed_with(seed, port));
}

// Of Root::listeners. `name`: without "*.".
inline std::uint64_t listener_key_hash(std::uint64_t seed, std::uint32_t group, HostKind kind,
                                       std::string_view name) {
  const std::uint64_t number = std::uint64_t{group} << 8 | static_cast<std::uint8_t>(kind);
  return hash_bytes(name, keys_internal::seed_with(seed, number));
}

// Of Root::shards. `name`: without "*.".
inline std::uint64_t shard_key_hash(std::uint64_t seed, std::uint32_t listener, HostKind kind,
                                    std::string_view name) {
  return listener_key_hash(seed, listener, kind, name);
}

// Of Shard::nodes: start with the seed, continue with each segment. The empty path's is the seed.
inline std::uint64_t path_hash_start(std::uint64_t seed) {
  return seed;
}

inline std::uint64_t path_hash_continue(std::uint64_t previous, std::string_view segment) {
  return hash_continue(previous, segment);
}

// The bytes of the first segment of `path`, its '/' included. REQUIRES: path is not empty.
inline std::size_t first_segment_bytes(std::string_view path) {
  const std::size_t slash = path.find('/', 1);
  return slash == std::string_view::npos ? path.size() : slash;
}

struct PathKey {
  std::uint64_t hash;
  std::uint32_t depth;
};

inline PathKey path_key(std::uint64_t seed, std::string_view path) {
  PathKey key{path_hash_start(seed), 0};
  while (!path.empty()) {
    const std::size_t bytes = first_segment_bytes(path);
    key.hash = path_hash_continue(key.hash, path.substr(0, bytes));
    ++key.depth;
    path.remove_prefix(bytes);
  }
  return key;
}

// The bit of a mask over depths or label counts: the last one stands for all from 63 on.
inline std::uint64_t depth_bit(std::uint32_t depth) {
  return std::uint64_t{1} << (depth < 63 ? depth : 63);
}

// Of HeaderIndex: an exact header's name (by its hash) and value.
inline std::uint64_t header_key_hash(std::uint64_t seed, std::uint32_t name_hash,
                                     std::string_view value) {
  return hash_bytes(value, keys_internal::seed_with(seed, name_hash));
}

// What an IndexBucket repeats of its key.
inline std::uint32_t bucket_key(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 16);
}

// The line where the search for `hash` begins. REQUIRES: lines > 0.
inline std::uint32_t line_of(std::uint64_t hash, std::uint32_t lines) {
  return static_cast<std::uint32_t>(((hash >> 32) * lines) >> 32);
}

// Never 0: an unused pair's tag is 0.
inline std::uint16_t tag_of(std::uint64_t hash) {
  const std::uint16_t tag = static_cast<std::uint16_t>(hash);
  return tag != 0 ? tag : std::uint16_t{1};
}

}  // namespace sluice::table
