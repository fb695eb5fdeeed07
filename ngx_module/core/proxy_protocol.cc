#include "ngx_module/core/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "shared/http/ip_network.h"

namespace sluice::core {

namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kMaxText = 107;
constexpr std::string_view kBinary{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kBinaryHead = 16;
constexpr std::size_t kIpv4Pair = 12;  // two addresses and two ports
constexpr std::size_t kIpv6Pair = 36;

std::uint8_t byte_at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

std::size_t number_at(std::string_view bytes, std::size_t index) {
  constexpr unsigned kByte = 8;
  return std::size_t{byte_at(bytes, index)} << kByte | byte_at(bytes, index + 1);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  constexpr std::size_t kDigits = 5;
  if (text.empty() || text.size() > kDigits) return std::nullopt;
  std::uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return port;
}

table::SocketKey to_key(const http::IpAddress& address, std::uint16_t port) {
  table::SocketKey key;
  key.family = address.ipv6 ? table::Family::kIpv6 : table::Family::kIpv4;
  key.port = port;
  std::copy(address.bytes.begin(), address.bytes.end(), std::begin(key.address));
  return key;
}

// "TCP4 192.0.2.1 198.51.100.1 56324 443", without "PROXY " and the end of the line.
ProxyHeader read_words(std::string_view line, std::size_t bytes) {
  ProxyHeader header{Status::kWhole, bytes, std::nullopt};
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return header;
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t blank = line.find(' ');
    const bool last = i + 1 == words.size();
    if ((blank == std::string_view::npos) != last) return {};
    words[i] = line.substr(0, blank);
    if (!last) line.remove_prefix(blank + 1);
  }
  const bool ipv6 = words[0] == "TCP6";
  if (!ipv6 && words[0] != "TCP4") return {};
  // The family says how the address is written; mapped IPv4 counts as IPv4 all the same.
  if ((words[1].find(':') != std::string_view::npos) != ipv6) return {};
  const auto address = http::parse_ip_address(words[1]);
  const auto destination = http::parse_ip_address(words[2]);
  const auto port = parse_port(words[3]);
  if (!address || !destination || !port || !parse_port(words[4])) return {};
  header.client = to_key(*address, *port);
  return header;
}

ProxyHeader read_text(std::string_view first) {
  const std::string_view line = first.substr(0, kMaxText);
  const std::size_t end = line.find("\r\n");
  if (end != std::string_view::npos) {
    return read_words(line.substr(kText.size(), end - kText.size()), end + 2);
  }
  return {first.size() < kMaxText ? Status::kUndecided : Status::kMalformed, 0, std::nullopt};
}

// `pair`: what follows the head, whole.
std::optional<table::SocketKey> read_pair(std::string_view pair, bool ipv6) {
  http::IpAddress address;
  address.ipv6 = ipv6;
  const std::size_t bytes = ipv6 ? 16 : 4;
  std::memcpy(address.bytes.data(), pair.data(), bytes);
  const auto port = static_cast<std::uint16_t>(number_at(pair, 2 * bytes));
  return to_key(http::unmapped(address), port);
}

ProxyHeader read_binary(std::string_view first) {
  constexpr std::size_t kCommand = 12;
  constexpr std::size_t kFamily = 13;
  constexpr std::size_t kLength = 14;
  constexpr std::uint8_t kLocal = 0x20;
  constexpr std::uint8_t kProxy = 0x21;
  constexpr std::uint8_t kTcp4 = 0x11;
  constexpr std::uint8_t kTcp6 = 0x21;
  const ProxyHeader undecided{Status::kUndecided, 0, std::nullopt};
  if (first.size() < kBinaryHead) return undecided;
  const std::uint8_t command = byte_at(first, kCommand);
  if (command != kLocal && command != kProxy) return {};
  const std::size_t rest = number_at(first, kLength);
  if (kBinaryHead + rest > kMaxProxyHeader) return {};
  const std::uint8_t family = byte_at(first, kFamily);
  const bool has_pair = command == kProxy && (family == kTcp4 || family == kTcp6);
  if (has_pair && rest < (family == kTcp4 ? kIpv4Pair : kIpv6Pair)) return {};
  if (first.size() < kBinaryHead + rest) return undecided;
  ProxyHeader header{Status::kWhole, kBinaryHead + rest, std::nullopt};
  if (has_pair) header.client = read_pair(first.substr(kBinaryHead, rest), family == kTcp6);
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view first) {
  for (const std::string_view start : {kText, kBinary}) {
    const std::size_t compared = std::min(first.size(), start.size());
    if (first.substr(0, compared) != start.substr(0, compared)) continue;
    if (compared < start.size()) return {Status::kUndecided, 0, std::nullopt};
    return start == kText ? read_text(first) : read_binary(first);
  }
  return {};
}

}  // namespace sluice::core
