#include "shared/table/filter_reader.h"

#include <algorithm>
#include <cstring>

namespace sluice::table {

FilterReader::FilterReader(std::string_view list) : rest_(list) {
  if (list.empty()) return;
  FilterList head;
  if (take(rest_, head)) filters_left_ = head.count;
}

std::optional<Filter> FilterReader::next() {
  if (broken_ || filters_left_ == 0) return std::nullopt;
  --filters_left_;
  parts_ = rest_;
  Filter filter;
  if (!take(parts_, filter)) return std::nullopt;
  if (filter.bytes < sizeof filter || filter.bytes > rest_.size()) {
    broken_ = true;
    return std::nullopt;
  }
  parts_ = parts_.substr(0, filter.bytes - sizeof filter);
  rest_.remove_prefix(filter.bytes);
  parts_left_ = filter.parts;
  return filter;
}

std::optional<FilterReader::Part> FilterReader::next_part() {
  if (broken_ || parts_left_ == 0) return std::nullopt;
  --parts_left_;
  FilterPart head;
  Part part;
  if (!take(parts_, head) || !take_text(head.name_bytes, part.name) ||
      !take_text(head.value_bytes, part.value)) {
    return std::nullopt;
  }
  const std::size_t texts = part.name.size() + part.value.size();
  parts_.remove_prefix(std::min<std::size_t>((8 - texts % 8) % 8, parts_.size()));
  part.kind = head.kind;
  return part;
}

template <class Record>
bool FilterReader::take(std::string_view& from, Record& out) {
  if (from.size() < sizeof out) {
    broken_ = true;
    return false;
  }
  std::memcpy(&out, from.data(), sizeof out);
  from.remove_prefix(sizeof out);
  return true;
}

bool FilterReader::take_text(std::uint64_t bytes, std::string_view& out) {
  if (bytes > parts_.size()) {
    broken_ = true;
    return false;
  }
  out = parts_.substr(0, bytes);
  parts_.remove_prefix(bytes);
  return true;
}

}  // namespace sluice::table
