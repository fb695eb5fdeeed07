// The reader's side of the arena: maps the files read-only, follows the root word, checks every
// access, announces epochs.
//
// A worker opens its slot after fork (its own open(2) of `slots`, so that the OFD lock is its own),
// then before each use of the table:
//
//   Snapshot snapshot = mapping.enter();
//   ... reads bytes through the snapshot and copies what it needs ...
//   if (!mapping.unmoved(snapshot)) again, with a new enter();
//
// unmoved() is false when the controller fenced this worker in between, because it was stopped:
// what was copied may be garbage then. Whatever was read through an earlier Snapshot is void after
// the next enter() or idle().
//
// Process: nginx worker, sluicectl (without a slot: then enter() is only safe for a table that
// nobody writes, or for best-effort dumps).
// Thread: one.   Allocates: nothing after open().   Never trusts a byte: sizes come from fstat.
// Cost: enter() is four loads and one store; a system call only after the table has grown.
// Fails: open() with kNotFound when there is no table yet, kInvalid for a foreign or newer format:
// try again later.
// Invariants: shared/doc/publication.md
// Tested by: test/unit/shared/arena/read_mapping_test.cc, test/property/arena_kill_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "shared/base/result.h"

namespace sluice::arena {

class Arena;

// A stable view of one published root. base/units describe the root's segment as far as it may be
// read.
struct Snapshot {
  const std::byte* base = nullptr;  // null: no root published
  std::uint64_t units = 0;          // readable 8-byte units from base
  std::uint32_t root = 0;           // offset
  std::uint64_t root_word = 0;
  std::uint64_t fence = 0;
};

struct WorkerIdentity {
  std::uint64_t instance = 0;  // of the nginx instance: hash of (master pid, its start time)
  std::uint32_t pid = 0;
  std::uint32_t module_version = 0;
};

class ReadMapping {
 public:
  static Result<std::unique_ptr<ReadMapping>> open(const std::string& directory);
  // Reads through the mappings of a writer in the same process, so that a race detector sees both
  // sides at one address. For tests; the arena must not grow meanwhile.
  static Result<std::unique_ptr<ReadMapping>> open_beside(Arena& arena);
  ~ReadMapping();

  // Takes a free worker slot, and settles the counts of a dead worker that had it before. Fails
  // with kFull when all 1,024 are in use: the worker must refuse the table.
  Result<void> take_slot(const WorkerIdentity& identity);
  std::uint32_t slot() const;  // kSlots: none

  Snapshot enter();  // announces the current epoch, then loads the root word
  bool unmoved(const Snapshot& snapshot) const;
  void idle();  // from a timer: announces, so that reclaim goes on

  // True when the directory was replaced by a new one (other inode, other format): open() again.
  bool stale() const;

  std::uint64_t incarnation() const;

  // Bytes of another segment than the snapshot's (endpoint lists); same checks.
  std::span<const std::byte> segment(std::uint8_t index);
  // The file as far as it is mapped; looks for more when that is less than `wanted_bytes`.
  std::span<const std::byte> endpoint_file(std::size_t wanted_bytes = 0);
  std::span<std::byte> counters_file(std::size_t wanted_bytes = 0);  // empty when not permitted

  // For people and tools: the newest generation this worker has used.
  void set_adopted_generation(std::uint64_t generation);

  // Counts a running request at line `counter` of the counters file: in the shared active count
  // and in this worker's own slot page, so that the controller can take it out of the shared one
  // after a SIGKILL. Returns false, and counts nothing, when the line is not there, the page has no
  // room for it, or this reader has no slot; only what returned true may be finished.
  bool count_started(std::uint32_t counter);
  void count_finished(std::uint32_t counter);

 private:
  struct State;
  explicit ReadMapping(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::arena
