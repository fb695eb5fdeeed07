#include "shared/http/mirror_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "shared/http/field.h"
#include "shared/http/head_line.h"
#include "shared/http/header.h"

namespace sluice::http {

namespace {

bool says_length(std::string_view name) {
  return same_header_name(name, "Content-Length") || same_header_name(name, "Transfer-Encoding");
}

}  // namespace

std::optional<std::string_view> write_mirror_head(std::string_view head, std::uint64_t body_bytes,
                                                  std::span<char> buffer) {
  if (buffer.size() < mirror_head_bytes(head)) return std::nullopt;
  char* end = buffer.data();
  const auto put = [&end](std::string_view text) {
    end = std::copy(text.begin(), text.end(), end);
  };
  std::string_view rest = head;
  const std::string_view request_line = take_line(rest);
  if (!request_line.ends_with(" HTTP/1.1\r\n")) return std::nullopt;
  put(request_line);
  bool has_body = body_bytes != 0;
  for (std::string_view line = take_line(rest); line != kLineEnd; line = take_line(rest)) {
    const auto field = field_of(line);
    if (!field) return std::nullopt;
    if (says_length(field->name)) has_body = true;
    if (!is_connection_field(field->name)) put(line);
  }
  if (has_body) {
    std::array<char, 20> digits;
    const char* const last =
        std::to_chars(digits.data(), digits.data() + digits.size(), body_bytes).ptr;
    put("Content-Length: ");
    put({digits.data(), static_cast<std::size_t>(last - digits.data())});
    put(kLineEnd);
  }
  put("Connection: close\r\n\r\n");
  return std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

}  // namespace sluice::http
