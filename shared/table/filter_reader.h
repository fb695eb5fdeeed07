// Reads a list of filters out of a private copy, whose bytes may make no sense.
//
//   FilterReader filters(copy);
//   while (const auto filter = filters.next()) {
//     while (const auto part = filters.next_part()) ...
//   }
//   if (filters.broken()) ...
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing.
// Lifetime: texts are views into the copy.   Fails: broken(), after which nothing comes any more.
// Tested by: test/unit/shared/table/filter_reader_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/table/format.h"
#include "shared/table/part_reader.h"

namespace sluice::table {

inline constexpr std::uint32_t kMaxFilterBytes = 1U << 20;  // of one list

class FilterReader {
 public:
  FilterReader() = default;
  // `list`: a FilterList with what belongs to it, or empty for no filters.
  explicit FilterReader(std::string_view list);

  // The next filter, whether or not the parts of the one before were read.
  std::optional<Filter> next();

  // The next part of the filter that next() gave.
  std::optional<PartReader::Value> next_part() { return parts_.next(); }

  bool broken() const { return broken_ || parts_.broken(); }

 private:
  std::string_view rest_;  // behind the current filter
  PartReader parts_;       // of the current filter
  std::uint32_t filters_left_ = 0;
  bool broken_ = false;
};

}  // namespace sluice::table
