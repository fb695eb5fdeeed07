// Reads the route table out of untrusted bytes.
//
// Every offset is checked where it is used, on a local copy; a record is copied out (relaxed, field
// by field or whole) before it is believed. Loops are bounded by what fits, never by a number in
// memory alone. A View holds (reader, record copy, offset); it is passed by value and must not be
// kept past the callback that made it.
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing.
// Tested by: test/unit/shared/table/reader_test.cc, test/fuzz/fuzz_mutated_table.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/arena/read_mapping.h"
#include "shared/table/format.h"

namespace sluice::table {

class Reader {
 public:
  Reader() = default;

  explicit Reader(const arena::Snapshot& snapshot)
      : base_(snapshot.base), units_(snapshot.units), root_(snapshot.root) {}

  bool empty() const { return base_ == nullptr || root_ == 0; }

  // A copy of the record at `offset`, or none when it does not fit.
  template <class Record>
  std::optional<Record> read(Offset offset) const;
  // A copy of element `index` of an array of `count` records at `offset`.
  template <class Record>
  std::optional<Record> read_element(Offset offset, std::uint64_t skip_bytes,
                                     std::uint32_t index) const;
  // `bytes` at offset + skip_bytes with kReadAhead readable bytes behind them; none when they do
  // not fit.
  std::optional<std::string_view> text(Offset offset, std::uint64_t skip_bytes,
                                       std::uint64_t bytes) const;

  Offset root() const { return root_; }

 private:
  const std::byte* base_ = nullptr;
  std::uint64_t units_ = 0;
  Offset root_ = 0;
};

}  // namespace sluice::table
