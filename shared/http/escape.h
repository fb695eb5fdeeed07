// Percent-encoding, one escape at a time.
//
// Process: all.   Thread: any.   Allocates: nothing.   Spec: RFC 3986 2.1
// Tested by: test/unit/shared/http/path_test.cc, test/unit/shared/http/query_test.cc
#pragma once

#include <string_view>

namespace sluice::http {

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that text[at..at+2] = "%XX" stands for, or -1 when that is no escape.
constexpr int escaped_byte(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || text[at] != '%') return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace sluice::http
