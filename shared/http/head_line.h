// The head of an HTTP/1.1 message that nginx wrote, line by line.
//
// Process: nginx worker.   Pure.   Spec: RFC 9112 2.1, 5   Tested by: the heads made of them,
// test/unit/shared/http/mirror_head_test.cc, test/unit/ngx_module/core/head_translation_test.cc
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::http {

inline constexpr std::string_view kLineEnd = "\r\n";  // alone: the head's end

// Takes the next line, its end included. Empty: no whole one is there.
constexpr std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find(kLineEnd);
  if (end == std::string_view::npos) return {};
  const std::string_view line = rest.substr(0, end + kLineEnd.size());
  rest.remove_prefix(line.size());
  return line;
}

struct HeadField {
  std::string_view name;
  std::string_view value;  // without the blanks around it
};

// None: there is no colon.
constexpr std::optional<HeadField> field_of(std::string_view line) {
  constexpr std::string_view kAround = " \t\r\n";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kAround), value.size()));
  value = value.substr(0, value.find_last_not_of(kAround) + 1);
  return HeadField{line.substr(0, colon), value};
}

}  // namespace sluice::http
