// Shared memory that outlives its writer: fixed mappings, allocation by offset, reclaim by epochs.
// Knows no routes.
//
// Directory v<major> (files 0640, `slots` and `counters` 0660): ctl, slots, segment.A, segment.B,
// endpoint, counters. Every mapping is a fixed reservation of address space; a file starts at its
// initial size and grows by posix_fallocate, never shrinks, and what a reader accepts is fstat's
// size. One segment holds what the published root reaches; the other is empty, or being written by
// a compaction or by a controller that has just taken over.
//
//   Result<Offset> blob = arena.allocate(bytes);     // write it through at<T>()
//   arena.retire(old_blob, old_bytes);
//   arena.publish_root(root, generation);            // one store
//   arena.reclaim(now_ms);                           // reuses what no worker can see any more
//
// Process: the controller has one Arena (an exclusive lock on `ctl` keeps a second one out);
// workers and tools have a ReadMapping (shared/arena/read_mapping.h).
// Thread: event loop.   Cost: allocate, retire and publish are O(1).
// Fails: Errc::kFull when there is no space; the published table stays as it is. Errc::kConflict
// when another controller holds the directory; Errc::kInvalid when `ctl` is not ours.
// Invariants and crash cases: shared/doc/publication.md
// Tested by: test/unit/shared/arena/, test/property/arena_kill_test.cc,
// test/property/arena_threads_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "shared/arena/layout.h"
#include "shared/base/result.h"

namespace sluice::arena {

using Offset = std::uint32_t;  // 8-byte units; 0 = none

struct ArenaOptions {
  std::string directory;                               // .../v1 is made below it
  std::size_t segment_bytes = std::size_t{16} << 20;   // first size of a segment file in use
  std::size_t reserve_bytes = kSegmentReserve;         // largest size of a segment
  std::uint32_t gid = static_cast<std::uint32_t>(-1);  // group of the files; -1: unchanged
  bool poison_freed = false;  // overwrite reclaimed memory with 0xEE, to prove that nobody reads it
};

// Which store makes a block visible, and which one makes it unreachable.
enum class LinkedBy {
  kRoot,  // publish_root()
  kSlot,  // publish_slot()
};

class Arena {
 public:
  // Takes the directory over: bumps the incarnation, chooses the segment that the published root
  // does not use (behind the high-water mark if endpoint slots still point into it), and waits at
  // most 1 s for workers that may still read it, then fences them.
  static Result<std::unique_ptr<Arena>> open(const ArenaOptions& options);
  ~Arena();

  // A block of `bytes` in the current segment, not zeroed. Alignment 8 or 64.
  Result<Offset> allocate(std::size_t bytes, std::size_t alignment = 8,
                          LinkedBy linked = LinkedBy::kRoot);

  // The block may be reused once no reader can see it. kRoot: the next root doesn't reach it.
  // kSlot: the slot word that pointed to it has been replaced.
  // REQUIRES: offset is of the current segment; bytes and alignment as in allocate().
  void retire(Offset offset, std::size_t bytes, std::size_t alignment = 8,
              LinkedBy linked = LinkedBy::kRoot);

  // Undoes every allocate() and retire() of kind kRoot since the last publish_root(): for a commit
  // that ended in Errc::kFull.
  void rollback();

  template <class T>
  T* at(Offset offset) {
    return reinterpret_cast<T*>(base() + std::size_t{offset} *
                                             8);  // the only cast from bytes to records here
  }

  std::byte* base();             // of the current segment
  std::uint8_t segment() const;  // the current one: where allocate() allocates

  // The one store that publishes a root: everything written before is visible to whoever loads the
  // root word. REQUIRES: generation grows.
  void publish_root(Offset root, std::uint64_t generation);
  // The one store that publishes an endpoint list: `word` lies in the endpoint file and is built by
  // pack_slot_word().
  void publish_slot(std::uint64_t& word, std::uint64_t value);

  // Reclaims what no live worker can see; fences workers that stay silent for longer than
  // `patience_ms`. Cheap when nothing waits.
  void reclaim(std::uint64_t now_ms, std::uint64_t patience_ms = 1000);

  // Switches allocation to the other segment. The old one keeps serving until the next
  // publish_root(), and is reclaimed whole after it. Memory that is held in reserve is given up for
  // it when nothing else is left, so that a table that filled everything can become small again.
  // Fails: kUnavailable while workers may still read the other segment, or slot words point into it
  // (then reclaim(), EndpointTable::collect(), and try later); kFull.
  Result<void> begin_compaction();
  // Goes back to the old segment and drops what was written since. REQUIRES: begin_compaction(),
  // since then no publish_root(), and no slot word that points to the new segment.
  void abort_compaction();
  // True when a compaction would give much back: live bytes are less than half of the used ones,
  // or an allocation failed. False while none is possible.
  bool wants_compaction() const;

  std::uint64_t published_generation() const;    // of the root that workers see; 0: none yet
  std::uint64_t predecessor_generation() const;  // of the root found at open()
  // Every root before this one of ours is gone: no worker can see it any more. 0: none of ours yet.
  std::uint64_t passed_generation() const;
  std::uint64_t epoch() const;         // counts publications
  std::uint64_t passed_epoch() const;  // no worker sees what was unlinked up to here
  std::size_t live_bytes() const;
  std::size_t used_bytes() const;   // of the current segment, holes included
  std::size_t limbo_bytes() const;  // retired, not yet reclaimed

  void beat(std::uint64_t now_ms);  // heartbeat, for people

  // The files beside the segments; fixed record arrays that grow in place, in zeroed bytes.
  std::byte* endpoint_file();
  Result<void> grow_endpoint_file(std::size_t bytes);
  std::size_t endpoint_file_bytes() const;
  std::byte* counters_file();
  Result<void> grow_counters_file(std::size_t bytes);
  std::size_t counters_file_bytes() const;

  // Takes the active counts of dead workers (lock free, counts left) out of the counters.
  void settle_dead_workers();

 private:
  friend class ReadMapping;  // open_beside()
  struct State;
  explicit Arena(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::arena
