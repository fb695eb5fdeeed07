// The reader's side of the arena: maps the files read-only, follows the root word, checks every
// access, announces epochs.
//
// A worker opens its slot after fork (its own open(2) of `slots`, so that the OFD lock is its own),
// then before each use of the table: `Snapshot s = mapping.enter();` reads bytes through s, copies
// what it needs, and `mapping.unmoved(s)` says whether what it copied can be trusted (the
// controller fences a worker that was stopped in between): if not, do it again.
//
// Process: nginx worker, sluicectl (without a slot: then enter() is only safe for a table that
// nobody writes, or for best-effort dumps). Thread: one.   Allocates: nothing after open().   Never
// trusts a byte: sizes come from fstat. Fails: open() with kNotFound when there is no table yet,
// kInvalid for a foreign or newer format: try again later. Tested by:
// test/unit/shared/arena/read_mapping_test.cc, test/property/arena_kill_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "shared/base/result.h"

namespace sluice::arena {

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
  ~ReadMapping();

  // Takes a free worker slot. Fails with kFull when all 1,024 are in use: the worker must refuse
  // the table.
  Result<void> take_slot(const WorkerIdentity& identity);
  std::uint32_t slot() const;

  Snapshot enter();  // announces the current epoch, then loads the root word
  bool unmoved(const Snapshot& snapshot) const;
  void idle();  // from a timer: announces, so that reclaim goes on

  // True when the directory was replaced by a new one (other inode, other format): open() again.
  bool stale() const;

  std::uint64_t incarnation() const;

  // Bytes of another segment than the snapshot's (endpoint lists); same checks.
  std::span<const std::byte> segment(std::uint8_t index);
  std::span<const std::byte> endpoint_file();
  std::span<std::byte> counters_file();  // writable

  // This worker's own count of running requests per counter line, in its slot page, so that the
  // controller can settle it after a SIGKILL. Returns false when the page is full: then the shared
  // counter must not be touched either.
  bool count_started(std::uint32_t counter);
  void count_finished(std::uint32_t counter);

 private:
  struct State;
  explicit ReadMapping(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::arena
