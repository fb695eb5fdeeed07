#include "ngx_module/core/server_name.h"

#include <algorithm>
#include <cstdint>

namespace sluice::core {

namespace {

constexpr unsigned char kHostName = 0;
constexpr std::size_t kEntryHead = 3;  // type and length

std::size_t number16(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
         static_cast<unsigned char>(bytes[1]);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

}  // namespace

std::string_view server_name(std::string_view extension,
                             std::array<char, http::kMaxHostBytes>& buffer) {
  if (extension.size() < 2 || number16(extension) != extension.size() - 2) return {};
  extension.remove_prefix(2);
  if (extension.size() < kEntryHead || static_cast<unsigned char>(extension[0]) != kHostName) {
    return {};
  }
  const std::size_t bytes = number16(extension.substr(1));
  const std::string_view name = extension.substr(kEntryHead);
  // One name, as the RFC has it: what stands behind it would be a second one.
  if (name.size() != bytes || bytes == 0 || bytes > buffer.size()) return {};
  std::transform(name.begin(), name.end(), buffer.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string_view lower(buffer.data(), bytes);
  if (!std::all_of(lower.begin(), lower.end(), is_name_character)) return {};
  return lower;
}

}  // namespace sluice::core
