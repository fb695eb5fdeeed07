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

namespace sluice::table {

inline constexpr std::uint32_t kMaxFilterBytes = 1U << 20;  // of one list

class FilterReader {
 public:
  struct Part {
    PartKind kind;
    std::string_view name;
    std::string_view value;
  };

  FilterReader() = default;
  // `list`: a FilterList with what belongs to it, or empty for no filters.
  explicit FilterReader(std::string_view list);

  // The next filter, whether or not the parts of the one before were read.
  std::optional<Filter> next();
  // The next part of the filter that next() gave.
  std::optional<Part> next_part();

  bool broken() const { return broken_; }

 private:
  template <class Record>
  bool take(std::string_view& from, Record& out);
  bool take_text(std::uint64_t bytes, std::string_view& out);

  std::string_view rest_;   // behind the current filter
  std::string_view parts_;  // of the current filter, not read yet
  std::uint32_t filters_left_ = 0;
  std::uint32_t parts_left_ = 0;
  bool broken_ = false;
};

}  // namespace sluice::table
