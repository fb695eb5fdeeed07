#include "shared/http/forwarded.h"

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_port(std::string_view text) {
  constexpr std::size_t kMaxDigits = 5;
  return !text.empty() && text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without port and brackets; empty: they make no sense.
std::string_view bare_address(std::string_view element) {
  if (element.starts_with('[')) {
    const std::size_t end = element.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view behind = element.substr(end + 1);
    const bool valid = behind.empty() || (behind.front() == ':' && is_port(behind.substr(1)));
    return valid ? element.substr(1, end - 1) : std::string_view{};
  }
  const std::size_t colon = element.find(':');
  const bool one_colon = colon != std::string_view::npos && element.rfind(':') == colon;
  if (!one_colon) return element;
  return is_port(element.substr(colon + 1)) ? element.substr(0, colon) : std::string_view{};
}

}  // namespace

bool is_in_any(std::span<const IpNetwork> networks, const IpAddress& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&address](const IpNetwork& network) { return contains(network, address); });
}

std::optional<ForwardedAddress> parse_forwarded_address(std::string_view element) {
  const std::string_view text = bare_address(trim(element));
  const auto address = parse_ip_address(text);
  if (!address) return std::nullopt;
  return ForwardedAddress{text, *address};
}

std::optional<ForwardedAddress> find_client(std::string_view list,
                                            std::span<const IpNetwork> trusted) {
  std::optional<ForwardedAddress> client;
  while (true) {
    const std::size_t comma = list.rfind(',');
    const bool is_first = comma == std::string_view::npos;
    const auto address = parse_forwarded_address(is_first ? list : list.substr(comma + 1));
    if (!address) return client;
    client = address;
    if (is_first || !is_in_any(trusted, address->address)) return client;
    list = list.substr(0, comma);
  }
}

}  // namespace sluice::http
