// The regular expressions in use: their ids, who uses them, and the published list.
//
// A pattern is in the list while a rule uses it, and from put() until a rule has used it (or, if
// none ever does, for kPatience generations), so that workers compile it before the rules that need
// it are published. An id is made from the pattern's text, so that a restarted controller gives the
// same ids and workers keep what they compiled; texts with equal hashes get the next free id.
//
// Process: controller.   Thread: event loop.   Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/table/transaction.h"

namespace sluice::table {

class PatternBook {
 public:
  static constexpr std::uint64_t kPatience = 64;

  // Whether the pattern is new in the list.
  bool put(std::string_view pattern, std::uint64_t generation);

  // A rule uses the pattern, or one that did is gone.
  void acquire(std::string_view pattern);
  void release(std::string_view pattern);

  // REQUIRES: acquired.
  std::uint32_t id(std::string_view pattern) const;

  // The same for the automaton over all path patterns of a shard. Returns its name, never 0.
  std::uint64_t acquire_set(std::vector<std::uint32_t> ids);
  void release_set(std::uint64_t hash);

  // Drops the patterns that nobody waits for. Call before write().
  void prune(std::uint64_t generation);

  bool changed() const { return changed_; }

  // Writes the list if it changed; after keep() call settle().
  void write(Transaction& tx, std::uint64_t generation);

  void settle() { changed_ = false; }

  const Slot& slot() const { return slot_; }

 private:
  struct Listed {
    std::uint32_t id = 0;
    std::uint32_t uses = 0;
    bool awaited = false;  // put() and not used yet
    std::uint64_t awaited_since = 0;
  };

  struct Set {
    std::vector<std::uint32_t> ids;
    std::uint32_t uses = 0;
  };

  Listed& list(std::string_view pattern);
  std::uint32_t take_id(std::string_view pattern);

  std::map<std::string, Listed, std::less<>> patterns_;
  std::map<std::uint64_t, Set> sets_;
  std::unordered_map<std::uint32_t, std::string> owners_;  // of every id ever given
  Slot slot_;
  bool changed_ = false;
  bool maybe_unused_ = false;
};

}  // namespace sluice::table
