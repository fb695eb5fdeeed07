// Reads a run of parts (kind, name, value) out of a private copy, whose bytes may make no sense.
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

class PartReader {
 public:
  struct Value {
    PartKind kind;
    std::string_view name;
    std::string_view value;
  };

  PartReader() = default;

  PartReader(std::string_view bytes, std::uint32_t parts) : rest_(bytes), left_(parts) {}

  std::optional<Value> next();

  bool broken() const { return broken_; }

 private:
  bool take(std::uint64_t bytes, std::string_view& out);

  std::string_view rest_;
  std::uint32_t left_ = 0;
  bool broken_ = false;
};

}  // namespace sluice::table
