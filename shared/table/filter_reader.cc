#include "shared/table/filter_reader.h"

#include <cstring>

namespace sluice::table {

FilterReader::FilterReader(std::string_view list) : rest_(list) {
  if (list.empty()) return;
  FilterList head;
  broken_ = list.size() < sizeof head;
  if (broken_) return;
  std::memcpy(&head, list.data(), sizeof head);
  rest_.remove_prefix(sizeof head);
  filters_left_ = head.count;
}

std::optional<Filter> FilterReader::next() {
  if (broken() || filters_left_ == 0) return std::nullopt;
  --filters_left_;
  Filter filter;
  broken_ = rest_.size() < sizeof filter;
  if (broken_) return std::nullopt;
  std::memcpy(&filter, rest_.data(), sizeof filter);
  broken_ = filter.bytes < sizeof filter || filter.bytes > rest_.size();
  if (broken_) return std::nullopt;
  parts_ = PartReader(rest_.substr(sizeof filter, filter.bytes - sizeof filter), filter.parts);
  rest_.remove_prefix(filter.bytes);
  return filter;
}

}  // namespace sluice::table
