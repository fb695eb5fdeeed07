#include "shared/http/field.h"

#include <algorithm>
#include <array>

#include "shared/http/header.h"

namespace sluice::http {

namespace {

constexpr std::array<std::string_view, 10> kConnectionFields = {
    "Connection",        "Content-Length",   "Expect", "HTTP2-Settings",
    "Keep-Alive",        "Proxy-Connection", "TE",     "Trailer",
    "Transfer-Encoding", "Upgrade",
};

bool is_token_byte(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const char low = lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_value_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= ' ' && byte != 0x7f);
}

}  // namespace

bool is_field_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_byte);
}

bool is_field_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), is_value_byte);
}

bool is_connection_field(std::string_view name) {
  return std::any_of(kConnectionFields.begin(), kConnectionFields.end(),
                     [name](std::string_view field) { return same_header_name(field, name); });
}

}  // namespace sluice::http
