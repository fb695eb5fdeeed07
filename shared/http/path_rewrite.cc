#include "shared/http/path_rewrite.h"

#include <algorithm>

#include "shared/http/escape.h"

namespace sluice::http {

namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

bool is_path_byte(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

std::string_view without_leading_slashes(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of('/'), text.size()));
}

class Writer {
 public:
  explicit Writer(std::span<char> buffer) : buffer_(buffer) {}

  void put(char c) {
    if (bytes_ < buffer_.size()) buffer_[bytes_] = c;
    ++bytes_;
  }

  void put_raw(std::string_view text) {
    for (const char c : text)
      put(c);
  }

  void put_escaped(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (is_path_byte(c) || escaped_byte(text, i) > 0) {
        put(c);
        continue;
      }
      const auto byte = static_cast<unsigned char>(c);
      put('%');
      put(kUpperHex[byte >> 4U]);
      put(kUpperHex[byte & 15U]);
    }
  }

  std::optional<std::string_view> result() const {
    if (bytes_ > buffer_.size()) return std::nullopt;
    return std::string_view(buffer_.data(), bytes_);
  }

 private:
  std::span<char> buffer_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<std::string_view> replace_full_path(std::string_view replacement,
                                                  std::span<char> buffer) {
  Writer out(buffer);
  out.put('/');
  out.put_escaped(without_leading_slashes(replacement));
  return out.result();
}

std::optional<std::string_view> replace_prefix(std::string_view path, std::size_t prefix_bytes,
                                               std::string_view replacement,
                                               std::span<char> buffer) {
  const std::string_view rest = path.substr(std::min(prefix_bytes, path.size()));
  if (rest.empty()) return replace_full_path(replacement, buffer);
  std::string_view prefix = without_leading_slashes(replacement);
  prefix = prefix.substr(0, prefix.find_last_not_of('/') + 1);
  Writer out(buffer);
  out.put('/');
  if (prefix.empty()) {
    out.put_raw(without_leading_slashes(rest));
    return out.result();
  }
  out.put_escaped(prefix);
  if (!rest.starts_with('/')) out.put('/');
  out.put_raw(rest);
  return out.result();
}

}  // namespace sluice::http
