// Shared memory that outlives its writer: fixed mappings, allocation by offset, reclaim by epochs.
// Knows no routes.
//
// Directory (files 0640, `slots` and `counters` 0660): ctl, slots, segment.A, segment.B, endpoint,
// counters. Every mapping is a fixed reservation of address space; a file starts at its initial
// size and grows by posix_fallocate, never shrinks, and what a reader accepts is fstat's size. See
// shared/doc/publication.md for the numbered invariants and the crash cases.
//
// Process: the controller has one Arena (an exclusive lock on `ctl` keeps a second one out);
// workers and tools have a ReadMapping (shared/arena/read_mapping.h).   Thread: event loop. Fails:
// Errc::kFull when posix_fallocate has no space; Errc::kConflict when another controller holds the
// directory. Tested by: test/unit/shared/arena/, test/property/arena_kill_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "shared/base/result.h"

namespace sluice::arena {

using Offset = std::uint32_t;  // 8-byte units; 0 = none

struct ArenaOptions {
  std::string directory;                              // .../v1 is made below it
  std::size_t segment_bytes = std::size_t{16} << 20;  // first size of a segment file
  std::size_t reserve_bytes = std::size_t{8}
                              << 30;  // address space of one segment: its largest size
  std::uint32_t gid = static_cast<std::uint32_t>(-1);  // group of the files; -1: unchanged
};

class Arena {
 public:
  // Takes the directory over: bumps the incarnation, chooses the segment that the published root
  // does not use (behind the high-water mark if endpoint slots still point into it), and waits at
  // most 1 s for workers that may still read it, then fences them.
  static Result<std::unique_ptr<Arena>> open(const ArenaOptions& options);
  ~Arena();

  // A block of `bytes` in the current segment. Zeroed only as far as the file was. Alignment 8
  // or 64.
  Result<Offset> allocate(std::size_t bytes, std::size_t alignment = 8);
  // The block may be reused once no reader can see it. REQUIRES: exactly what allocate() returned.
  void retire(Offset offset, std::size_t bytes, std::size_t alignment = 8);

  template <class T>
  T* at(Offset offset) {
    return reinterpret_cast<T*>(base() + std::size_t{offset} *
                                             8);  // the only cast from bytes to records here
  }

  std::byte* base();
  std::uint8_t segment() const;

  // The one store that publishes: everything written before is visible to whoever loads the root
  // word.
  void publish_root(Offset root, std::uint64_t generation);
  // After an 8-byte slot store: makes blobs retired before it reclaimable in turn.
  void advance_epoch();
  // Reclaims what no live worker can see; fences workers that stay silent for longer than
  // `patience_ms`. Cheap when nothing waits.
  void reclaim(std::uint64_t now_ms, std::uint64_t patience_ms = 1000);

  // Switches allocation to the other segment; the old one is reclaimed whole after the next
  // publish_root().
  Result<void> begin_compaction();
  bool wants_compaction()
      const;  // live bytes are less than half of the used ones, or little is left

  std::uint64_t published_generation() const;    // 0: none yet
  std::uint64_t predecessor_generation() const;  // of the root found at open()
  std::size_t live_bytes() const;
  std::size_t limbo_bytes() const;

  void beat(std::uint64_t now_ms);  // heartbeat, for people

  // The files beside the segments; fixed record arrays that grow in place.
  std::byte* endpoint_file();
  Result<void> grow_endpoint_file(std::size_t bytes);
  std::size_t endpoint_file_bytes() const;
  std::byte* counters_file();
  Result<void> grow_counters_file(std::size_t bytes);
  std::size_t counters_file_bytes() const;

  // Takes the active counts of dead workers (lock free, counts left) out of the counters.
  void settle_dead_workers();

 private:
  struct State;
  explicit Arena(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::arena
