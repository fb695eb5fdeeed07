// Counts hostnames by kind, and paths by depth, so that the masks a reader consults follow every
// change without looking at the rest.
// Process: controller.   Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "shared/http/host.h"
#include "shared/table/format.h"
#include "shared/table/rules.h"

namespace sluice::table {

class DepthCounts {
 public:
  void add(std::uint32_t depth) {
    if (counts_.size() <= depth) counts_.resize(depth + 1);
    ++counts_[depth];
  }

  // REQUIRES: added before.
  void remove(std::uint32_t depth) { --counts_[depth]; }

  // Bit n: n occurs; bit 63: 63 or more does.
  std::uint64_t mask() const {
    std::uint64_t mask = 0;
    for (std::uint32_t depth = 0; depth < counts_.size(); ++depth) {
      if (counts_[depth] != 0) mask |= http::count_bit(depth);
    }
    return mask;
  }

 private:
  std::vector<std::uint32_t> counts_;
};

struct HostSummary {
  std::uint64_t wildcard_labels = 0;
  std::uint8_t has_exact = 0;
  std::uint8_t has_any = 0;
  bool operator==(const HostSummary&) const = default;
};

class HostCounts {
 public:
  void add(const Host& host) {
    if (host.kind == HostKind::kExact) ++exact_;
    if (host.kind == HostKind::kAny) ++any_;
    if (host.kind == HostKind::kWildcard) wildcards_.add(http::count_labels(host.name));
  }

  // REQUIRES: added before.
  void remove(const Host& host) {
    if (host.kind == HostKind::kExact) --exact_;
    if (host.kind == HostKind::kAny) --any_;
    if (host.kind == HostKind::kWildcard) wildcards_.remove(http::count_labels(host.name));
  }

  HostSummary summary() const {
    return {wildcards_.mask(), exact_ != 0 ? std::uint8_t{1} : std::uint8_t{0},
            any_ != 0 ? std::uint8_t{1} : std::uint8_t{0}};
  }

 private:
  std::uint32_t exact_ = 0;
  std::uint32_t any_ = 0;
  DepthCounts wildcards_;
};

}  // namespace sluice::table
