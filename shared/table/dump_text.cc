#include "shared/table/dump_text.h"

#include <arpa/inet.h>

#include <algorithm>

#include "shared/http/method.h"

namespace sluice::table {
namespace {

constexpr std::size_t kLongestText = 8192;  // more than any API field may have

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' && c != '"' && c != '\\';
}

}  // namespace

std::string quoted(std::string_view text) {
  if (!text.empty() && text.size() <= kLongestText && std::ranges::all_of(text, is_plain)) {
    return std::string(text);
  }
  std::string result = "\"";
  for (const char c : text.substr(0, kLongestText)) {
    if (is_plain(c) || c == ' ') {
      result += c;
    } else if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  result += text.size() > kLongestText ? "\"..." : "\"";
  return result;
}

std::string address_text(Family family, const std::uint8_t (&address)[16], std::uint16_t port) {
  char buffer[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family == Family::kIpv6 ? AF_INET6 : AF_INET, address, buffer, sizeof buffer);
  const std::string host = family == Family::kIpv6 ? "[" + std::string(buffer) + "]" : buffer;
  return host + ":" + std::to_string(port);
}

std::string host_text(HostKind kind, std::string_view name) {
  if (kind == HostKind::kAny) return "*";
  return (kind == HostKind::kWildcard ? "*." : "") + quoted(name);
}

std::string methods_text(std::uint16_t methods) {
  std::string result;
  for (std::uint32_t bit = 1; bit <= 0x8000; bit <<= 1) {
    if ((methods & bit) == 0) continue;
    if (!result.empty()) result += ',';
    result += http::method_name(static_cast<std::uint16_t>(bit));
  }
  return result;
}

std::string mask_text(std::uint64_t mask) {
  std::string result;
  for (std::uint32_t bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    if (!result.empty()) result += ' ';
    result += std::to_string(bit) + (bit == 63 ? "+" : "");
  }
  return result.empty() ? "-" : result;
}

std::string percent_text(std::uint64_t draws) {
  // In units of 1/10000 percent, rounded.
  const std::uint64_t parts = (draws * 1000000 + (std::uint64_t{1} << 31)) >> 32;
  std::string result = std::to_string(parts / 10000);
  if (parts % 10000 != 0) {
    std::string decimals = std::to_string(10000 + parts % 10000).substr(1);
    decimals.resize(decimals.find_last_not_of('0') + 1);
    result += "." + decimals;
  }
  return result + "%";
}

}  // namespace sluice::table
