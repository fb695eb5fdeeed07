#include "controller/resolve/address_pool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sluice::resolve {

namespace {

using http::IpAddress;
using http::IpNetwork;

constexpr unsigned kBitsPerByte = 8;

unsigned address_bits(bool ipv6) {
  return ipv6 ? 128 : 32;
}

// The neighbour of an address that is not the last (or first) of its family.
IpAddress step(IpAddress address, bool up) {
  for (unsigned byte = address_bits(address.ipv6) / kBitsPerByte; byte > 0; --byte) {
    std::uint8_t& digit = address.bytes[byte - 1];
    digit = static_cast<std::uint8_t>(up ? digit + 1 : digit - 1);
    if (digit != (up ? 0 : 0xff)) break;  // nothing to carry
  }
  return address;
}

IpAddress last_of(const IpNetwork& network) {
  IpAddress last = network.address;
  for (unsigned bit = network.prefix_bits; bit < address_bits(last.ipv6); ++bit) {
    last.bytes[bit / kBitsPerByte] |= static_cast<std::uint8_t>(0x80U >> (bit % kBitsPerByte));
  }
  return last;
}

bool is_within(const IpNetwork& inner, const IpNetwork& outer) {
  return inner.prefix_bits >= outer.prefix_bits && http::contains(outer, inner.address);
}

}  // namespace

AddressPool::AddressPool(const std::vector<IpNetwork>& networks) {
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const IpNetwork& network = networks[i];
    const bool ipv6 = network.address.ipv6;
    if (std::ranges::find(families_, ipv6) == families_.end()) families_.push_back(ipv6);
    bool is_part = false;
    for (std::size_t j = 0; j < networks.size(); ++j) {
      const bool equal = networks[j] == network;
      is_part |= (equal && j < i) || (!equal && is_within(network, networks[j]));
    }
    if (is_part) continue;
    Range range{network, network.address, last_of(network)};
    if (network.prefix_bits + 1U < address_bits(ipv6)) {
      range.first = step(range.first, true);
      if (!ipv6) range.last = step(range.last, false);
    }
    ranges_.push_back(range);
  }
}

bool AddressPool::contains(const IpAddress& address) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    return range.first.ipv6 == address.ipv6 && range.first <= address && address <= range.last;
  });
}

std::vector<AddressPool::Range> AddressPool::ranges_of(bool ipv6) const {
  std::vector<Range> found;
  for (const Range& range : ranges_) {
    if (range.first.ipv6 == ipv6) found.push_back(range);
  }
  return found;
}

std::optional<IpAddress> AddressPool::next_free(bool ipv6, const TakenAddresses& taken,
                                                const std::optional<IpAddress>& after) const {
  const std::vector<Range> ranges = ranges_of(ipv6);
  if (ranges.empty()) return std::nullopt;
  std::size_t at = ranges.size() - 1;
  IpAddress address = ranges[at].last;
  for (std::size_t i = 0; after && i < ranges.size(); ++i) {
    if (*after < ranges[i].first || ranges[i].last < *after) continue;
    at = i;
    address = *after;
  }
  // Each step passes a taken address, or is the last one; after one round all are.
  for (std::size_t left = taken.size() + 1; left > 0; --left) {
    if (address == ranges[at].last) {
      at = (at + 1) % ranges.size();
      address = ranges[at].first;
    } else {
      address = step(address, true);
    }
    if (!taken.contains(address)) return address;
  }
  return std::nullopt;
}

std::string AddressPool::text(bool ipv6) const {
  std::vector<std::string> networks;
  for (const Range& range : ranges_of(ipv6))
    networks.push_back(http::network_text(range.network));
  return fmt::format("{}", fmt::join(networks, ", "));
}

}  // namespace sluice::resolve
