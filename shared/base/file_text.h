// Files that are read whole, and that are replaced whole.
//
// Process: any.   Fails: with the file's name and why.
// Tested by: test/unit/shared/base/file_text_test.cc, test/unit/controller/kube/access_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace sluice {

// What tells one version of a file from another. Links are followed: a mounted Secret is replaced
// by turning one.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;
  std::int64_t bytes = 0;
  bool operator==(const FileVersion&) const = default;
};

// All zeros when there is no such file.
FileVersion version_of(const std::string& path);

// Fails: kNotFound, kSystem; kInvalid for more than `max_bytes`.
Result<std::string> read_text(const std::string& path, std::size_t max_bytes);

// Readable for us only. Whoever reads it, also after a loss of power, finds the old text or the new
// one. PATH.new is overwritten.
Result<void> replace_text(const std::string& path, std::string_view text);

}  // namespace sluice
