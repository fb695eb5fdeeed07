// Lines of text that a process finds again when it starts: a file of "<checksum> <text>".
//
// What is added is appended and synced by flush(): a change costs its own size, not the file's. A
// line that a crash tore is left out when the file is read. When superseded lines make up most of
// the file it is written anew, out of what its user says is live (temporary file, fsync, rename);
// so it is at the first flush(), because the end may be torn. Mode 0600.
//
// Process: controller.   Thread: event loop.   Fails: a full or read-only disk loses nothing but
// what a restart would find; the next flush() writes the whole file anew.
// Tested by: test/unit/controller/source/kept_lines_test.cc
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::source {

class KeptLines {
 public:
  using Take = std::function<void(std::string_view line)>;
  // Hands every line that counts to the function that it is given.
  using Live = std::function<void(const Take&)>;

  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

  // The directory of `path` is there. "": nothing is kept.
  explicit KeptLines(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // Hands over what an earlier process left, in order; returns how many lines are damaged. Fails:
  // kNotFound, kSystem, kInvalid.
  Result<std::size_t> read(const Take& take) const;

  // `line`: without line feeds.
  void add(std::string_view line);

  bool has_unwritten() const { return changed_; }

  // Appends what was added, or writes everything anew when that is shorter. `live` is asked then.
  Result<void> flush(const Live& live);

 private:
  Result<void> append();
  Result<void> rewrite(const Live& live);

  std::string path_;
  UniqueFd fd_;
  std::string unwritten_;
  bool changed_ = false;             // since the last flush()
  std::size_t file_bytes_ = 0;       // since it is ours
  std::size_t rewritten_bytes_ = 0;  // when it was last written anew
  bool torn_ = true;                 // the end may be half a line: only a rewrite helps
};

}  // namespace sluice::source
