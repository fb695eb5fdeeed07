#include "shared/http/ip_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sluice::http {

namespace {

constexpr unsigned kBitsPerByte = 8;
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned address_bits(const IpAddress& address) {
  return address.ipv6 ? 128 : 32;
}

bool has_bits_behind(const IpNetwork& network) {
  for (unsigned bit = network.prefix_bits; bit < address_bits(network.address); ++bit) {
    const unsigned mask = 0x80U >> (bit % kBitsPerByte);
    if ((network.address.bytes[bit / kBitsPerByte] & mask) != 0) return true;
  }
  return false;
}

// As it is written, mapped or not.
std::optional<IpAddress> parse_literally(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> zero_terminated{};
  if (text.empty() || text.size() >= zero_terminated.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(zero_terminated.data(), text.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET, zero_terminated.data(), address.bytes.data()) == 1) return address;
  address.ipv6 = true;
  if (inet_pton(AF_INET6, zero_terminated.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace

IpAddress unmapped(const IpAddress& address) {
  if (!address.ipv6 ||
      !std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin())) {
    return address;
  }
  IpAddress ipv4;
  std::copy(address.bytes.begin() + kMappedPrefix.size(), address.bytes.end(), ipv4.bytes.begin());
  return ipv4;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const auto address = parse_literally(text);
  if (!address) return std::nullopt;
  return unmapped(*address);
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_literally(text.substr(0, slash));
  if (!address || unmapped(*address) != *address) return std::nullopt;
  unsigned bits = address_bits(*address);
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const bool padded = digits.size() > 1 && digits.front() == '0';
    unsigned wanted = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
    const bool whole = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
    if (!whole || padded || wanted > bits) return std::nullopt;
    bits = wanted;
  }
  const IpNetwork network{*address, static_cast<std::uint8_t>(bits)};
  if (has_bits_behind(network)) return std::nullopt;
  return network;
}

bool contains(const IpNetwork& network, const IpAddress& address) {
  if (network.address.ipv6 != address.ipv6) return false;
  const unsigned bits = std::min<unsigned>(network.prefix_bits, address_bits(address));
  const unsigned whole = bits / kBitsPerByte;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole,
                  network.address.bytes.begin())) {
    return false;
  }
  const unsigned rest = bits % kBitsPerByte;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (kBitsPerByte - rest);
  return ((network.address.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

std::string network_text(const IpNetwork& network) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(network.address.ipv6 ? AF_INET6 : AF_INET, network.address.bytes.data(), text.data(),
            text.size());
  return std::string(text.data()) + "/" + std::to_string(network.prefix_bits);
}

}  // namespace sluice::http
