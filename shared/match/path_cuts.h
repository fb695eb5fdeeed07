// The prefixes of a request's path at its segment boundaries, each with its hash, so that every
// depth of a shard costs one probe.
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: at construction only.
// Tested by: test/unit/shared/match/matcher_test.cc
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

#include "shared/table/format.h"
#include "shared/table/keys.h"

namespace sluice::match {

class PathCuts {
 public:
  struct Cut {
    std::uint64_t hash;
    std::size_t bytes;  // of the prefix
  };

  // Cuts `path` to at most `max_depth` segments. REQUIRES: path.size() <= table::kMaxPathBytes.
  void cut(std::uint64_t seed, std::string_view path, std::uint32_t max_depth) {
    cuts_[0] = {table::path_hash_start(seed), 0};
    depth_ = 0;
    std::size_t at = 0;
    while (at < path.size() && depth_ < max_depth) {
      const std::size_t bytes = table::first_segment_bytes(path.substr(at));
      const std::uint64_t hash =
          table::path_hash_continue(cuts_[depth_].hash, path.substr(at, bytes));
      at += bytes;
      cuts_[++depth_] = {hash, at};
    }
    whole_ = at == path.size();
  }

  std::uint32_t depth() const { return depth_; }  // of the deepest cut

  bool whole() const { return whole_; }  // the deepest cut is the whole path

  // REQUIRES: depth <= depth().
  const Cut& at(std::uint32_t depth) const { return cuts_[depth]; }

 private:
  static constexpr std::size_t kCuts = table::kMaxPathBytes + 1;  // a segment has a byte at least
  std::unique_ptr<Cut[]> cuts_ = std::make_unique_for_overwrite<Cut[]>(kCuts);
  std::uint32_t depth_ = 0;
  bool whole_ = false;
};

}  // namespace sluice::match
