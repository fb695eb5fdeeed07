// The last accepted text of every object, on disk: STATE/accepted/objects.log.
//
// It is what lets a broken file keep its objects over a restart, and a generation go on counting.
// One line per change, "<checksum> <json>", appended and synced once per batch: a change costs its
// own size, not the directory's. A line that a crash tore is skipped. When superseded lines make up
// most of the file it is written anew (temporary file, fsync, rename). Mode 0600: Secrets are in
// it.
//
// Process: controller.   Thread: event loop.   Fails: a full or read-only disk loses nothing that
// is served; the next change writes the whole log anew.
// Tested by: test/unit/controller/source/accepted_log_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/object.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

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

  bool has_unwritten() const { return !unwritten_.empty(); }

  // Appends what was put, or writes everything anew when that is shorter. `live` is asked then.
  Result<void> flush(const Entries& live);

 private:
  Result<void> append();
  Result<void> rewrite(const Entries& live);
  void add_line(std::string_view json);

  std::string directory_;
  UniqueFd fd_;
  std::vector<AcceptedEntry> restored_;
  std::string unwritten_;
  std::size_t file_bytes_ = 0;
  std::size_t rewritten_bytes_ = 0;  // of the file when it was last written anew
  bool torn_ = false;                // an append failed half-way: only a rewrite helps
};

}  // namespace sluice::source
