#include "shared/table/part_reader.h"

#include <algorithm>
#include <cstring>

namespace sluice::table {

std::optional<PartReader::Value> PartReader::next() {
  if (broken_ || left_ == 0) return std::nullopt;
  --left_;
  std::string_view bytes;
  Part head;
  if (!take(sizeof head, bytes)) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  Value part{head.kind, {}, {}};
  if (!take(head.name_bytes, part.name) || !take(head.value_bytes, part.value)) return std::nullopt;
  const std::size_t texts = part.name.size() + part.value.size();
  rest_.remove_prefix(std::min<std::size_t>((8 - texts % 8) % 8, rest_.size()));
  return part;
}

bool PartReader::take(std::uint64_t bytes, std::string_view& out) {
  if (bytes > rest_.size()) {
    broken_ = true;
    return false;
  }
  out = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return true;
}

}  // namespace sluice::table
