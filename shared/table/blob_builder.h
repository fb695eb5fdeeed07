// Builds one blob on the heap: records, texts and the offsets that lead from one to the other
// inside the blob, then writes it in one piece.
//
//   BlobBuilder blob;
//   const std::size_t group = blob.add(Group{...});
//   blob.link(group + offsetof(Group, name), blob.add_text("default/web"));
//   tx.replace(slot, blob.write(tx, 8));
//
// Process: controller.   Thread: event loop.   Tested by: test/unit/shared/table/editor_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "shared/table/transaction.h"

namespace sluice::table {

class BlobBuilder {
 public:
  // Appends at the next multiple of 8 and returns the position.
  template <class Record>
  std::size_t add(const Record& record) {
    const std::size_t at = grow(sizeof record);
    put(at, record);
    return at;
  }

  std::size_t add_text(std::string_view text) {
    const std::size_t at = grow(text.size());
    if (!text.empty()) std::memcpy(bytes_.data() + at, text.data(), text.size());
    return at;
  }

  // Appends without padding in front: for what follows a text or number directly.
  void continue_text(std::string_view text) {
    const auto* from = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), from, from + text.size());
  }

  void add_number(std::uint32_t number) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof number);
    put(at, number);
  }

  // Zeroes, to be filled by put(). Returns the position.
  std::size_t reserve(std::size_t bytes) { return grow(bytes); }

  template <class Record>
  void put(std::size_t at, const Record& record) {
    static_assert(std::is_trivially_copyable_v<Record>);
    std::memcpy(bytes_.data() + at, &record, sizeof record);
  }

  void align(std::size_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
  }

  // The Offset at position `field` will lead to position `target`, a multiple of 8.
  void link(std::size_t field, std::size_t target) { links_.push_back({field, target}); }

  std::size_t size() const { return bytes_.size(); }

  Blob write(Transaction& tx, std::uint32_t alignment);

 private:
  struct Link {
    std::size_t field;
    std::size_t target;
  };

  std::size_t grow(std::size_t bytes) {
    align(8);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + bytes);
    return at;
  }

  std::vector<std::byte> bytes_;
  std::vector<Link> links_;
};

}  // namespace sluice::table
