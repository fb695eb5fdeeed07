// Files that are read whole, and that may be replaced by others.
//
// Process: controller.   Fails: with the file's name and why.
// Tested by: test/unit/controller/kube/access_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/result.h"

namespace sluice::kube {

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

}  // namespace sluice::kube
