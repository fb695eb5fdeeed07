// Writes the file `secret`: stores blobs by content, hands places out, wipes what nobody needs.
//
// The same content has one place, counted by how often it was put. What is removed the last time
// stays readable for kQuarantineMs, because workers may still hold a table that names it; when it
// is put again meanwhile it stays where it is, else it is overwritten with zeroes and its place may
// be given to another blob. A restarted controller adopts the blobs that it finds, so that the same
// content keeps its place; those that nobody puts again leave with drop_unclaimed().
//
//   Result<BlobPlace> place = file.put(pem);      // before the table names it
//   file.remove(place->hash, now_ms);             // after the table stopped naming it
//
// Process: controller.   Thread: event loop.   Owns: the file, 0600. Nothing else may write it (the
// lock of `ctl` keeps a second controller away).
// Fails: put() with kFull when the disk has no room, kConflict when other bytes have that hash.
// Tested by: test/unit/shared/secret/secret_file_test.cc
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/secret/blob.h"

namespace sluice::secret {

class SecretFile {
 public:
  static constexpr std::uint64_t kQuarantineMs = 10000;

  static Result<std::unique_ptr<SecretFile>> open(const std::string& path);

  Result<BlobPlace> put(std::string_view bytes);
  // REQUIRES: put() succeeded once more often for that hash.
  void remove(const BlobHash& hash, std::uint64_t now_ms);
  // Removes what a predecessor left and nobody has put since.
  void drop_unclaimed(std::uint64_t now_ms);
  // Ends quarantines. Cheap when none is due.
  void tidy(std::uint64_t now_ms);

  // A new descriptor of the file that can only read.
  Result<UniqueFd> open_for_readers() const;

 private:
  struct Blob {
    BlobPlace place;
    std::uint32_t uses = 0;
  };

  struct Retired {
    std::uint64_t free_at_ms = 0;
    std::uint32_t unit = 0;
    std::uint32_t units = 0;
    BlobPlace blob;  // of no bytes: none is there
  };

  SecretFile(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  Result<void> adopt();
  std::optional<BlobPlace> revive(const BlobHash& hash, std::string_view bytes);
  void retire(const BlobPlace& place, std::uint64_t now_ms);
  Result<std::uint32_t> take_units(std::uint32_t units);
  Result<void> grow(std::uint32_t units);
  void give_back(std::uint32_t unit, std::uint32_t units);
  Result<void> write_blob(const BlobPlace& place, std::string_view bytes);
  bool wipe(std::uint32_t unit, std::uint32_t units);

  std::string path_;
  UniqueFd file_;
  std::uint32_t units_ = 0;  // of the file
  std::map<BlobHash, Blob> blobs_;
  std::map<std::uint32_t, std::uint32_t> free_;  // first unit -> units
  std::deque<Retired> quarantine_;               // by time
  std::vector<BlobPlace> copies_;  // of a predecessor; a table may name them instead of the first
};

}  // namespace sluice::secret
