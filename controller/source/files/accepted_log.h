// The last accepted text of every object, on disk: STATE/accepted/objects.log (kept_lines.h).
//
// It is what lets a broken file keep its objects over a restart, and a generation go on counting.
// One line of JSON per change, synced once per batch. Secrets are in it.
//
// Process: controller.   Thread: event loop.   Fails: as KeptLines does.
// Tested by: test/unit/controller/source/files_frozen_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/object.h"
#include "controller/source/kept_lines.h"
#include "shared/base/result.h"

namespace sluice::source {

struct AcceptedEntry {
  model::ObjectKey key;
  std::string path;  // of the file that it came from
  int line = 0;
  std::int64_t generation = 1;
  std::string json;
};

class AcceptedLog {
 public:
  // Hands every entry to the function that it is given.
  using Entries = std::function<void(const std::function<void(const AcceptedEntry&)>&)>;

  // Creates `directory`. Without one ("") nothing is kept.
  static Result<AcceptedLog> open(const std::string& directory);

  // What was accepted before this process; empties itself.
  std::vector<AcceptedEntry> take_restored();

  void put(const AcceptedEntry& entry);
  void remove(const model::ObjectKey& key);

  bool has_unwritten() const { return lines_.has_unwritten(); }

  Result<void> flush(const Entries& live);

 private:
  explicit AcceptedLog(KeptLines lines) : lines_(std::move(lines)) {}

  KeptLines lines_;
  std::vector<AcceptedEntry> restored_;
};

}  // namespace sluice::source
