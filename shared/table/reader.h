// Reads the route table out of untrusted bytes.
//
// Every offset is checked where it is used, in 64-bit arithmetic; a record is copied out once
// (relaxed loads that the compiler may not repeat) before it is believed, so that a byte that
// changes meanwhile can't change a decision that was taken. Texts are views: compare or copy them,
// but take no length or offset from them. Loops must be bounded by what fits, never by a number in
// memory alone.
//
//   std::optional<Node> node = reader.read<Node>(offset);
//   if (!node) return kBroken;
//   std::optional<Entry> first = reader.read_element<Entry>(offset, sizeof(Node), 0);
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing.
// Lifetime: views point into the mapping and must not be kept past the callback that made them.
// Tested by: test/unit/shared/table/reader_test.cc, test/fuzz/table_corruption_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "shared/arena/read_mapping.h"
#include "shared/table/format.h"

namespace sluice::table {

class Reader {
 public:
  Reader() = default;

  explicit Reader(const arena::Snapshot& snapshot)
      : base_(snapshot.base), bytes_(snapshot.units * 8), root_(snapshot.root) {}

  bool empty() const { return base_ == nullptr || root_ == 0; }

  Offset root() const { return root_; }

  // Readable 8-byte units: more blobs than that can't exist.
  std::uint64_t units() const { return bytes_ / 8; }

  // A copy of the record at `offset`, or none when it does not fit.
  template <class Record>
  std::optional<Record> read(Offset offset) const {
    return read_element<Record>(offset, 0, 0);
  }

  // A copy of element `index` of the array of records that begins `skip_bytes` behind `offset`.
  // REQUIRES: skip_bytes is a multiple of 8, or of 4 for an array of std::uint32_t.
  template <class Record>
  std::optional<Record> read_element(Offset offset, std::uint64_t skip_bytes,
                                     std::uint32_t index) const {
    const std::uint64_t position = std::uint64_t{index} * sizeof(Record);
    if (skip_bytes > bytes_) return std::nullopt;
    const std::byte* from = bytes_at(offset, skip_bytes + position, sizeof(Record));
    if (from == nullptr) return std::nullopt;
    return copy<Record>(from);
  }

  // `bytes` at offset + skip_bytes with kReadAhead readable bytes behind them; none when they do
  // not fit.
  std::optional<std::string_view> text(Offset offset, std::uint64_t skip_bytes,
                                       std::uint64_t bytes) const {
    if (bytes > bytes_) return std::nullopt;
    const std::byte* from = bytes_at(offset, skip_bytes, bytes + kReadAhead);
    if (from == nullptr) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(from), bytes);
  }

  // Where `bytes` readable bytes begin, or null: for code that must look at raw bytes (tab.h).
  const std::byte* bytes_at(Offset offset, std::uint64_t skip_bytes, std::uint64_t bytes) const {
    const std::uint64_t start = std::uint64_t{offset} * 8;
    if (offset == 0 || start > bytes_) return nullptr;
    const std::uint64_t room = bytes_ - start;
    if (skip_bytes > room || bytes > room - skip_bytes) return nullptr;
    return base_ + start + skip_bytes;
  }

  // The record at `from`, each word loaded exactly once. REQUIRES: what bytes_at() promised.
  template <class Record>
  static Record copy(const std::byte* from) {
    static_assert(std::is_trivially_copyable_v<Record> && std::is_standard_layout_v<Record>);
    using Word = std::conditional_t<sizeof(Record) % 8 == 0, std::uint64_t, std::uint32_t>;
    static_assert(sizeof(Record) % sizeof(Word) == 0 && alignof(Record) <= 8);
    constexpr std::size_t kBytes = sizeof(Record);
    constexpr std::size_t kWords = kBytes / sizeof(Word);
    Word words[kWords];
    const Word* source = reinterpret_cast<const Word*>(from);
#pragma GCC unroll 16  // g++ 12 keeps the loop even at -O3: a tenth of a lookup
    for (std::size_t i = 0; i < kWords; ++i) {
      words[i] = __atomic_load_n(source + i, __ATOMIC_RELAXED);
    }
    Record record;
    std::memcpy(&record, words, sizeof record);
    return record;
  }

 private:
  const std::byte* base_ = nullptr;
  std::uint64_t bytes_ = 0;
  Offset root_ = 0;
};

}  // namespace sluice::table
