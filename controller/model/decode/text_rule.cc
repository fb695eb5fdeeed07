#include "controller/model/decode/text_rule.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace sluice::model {

namespace {

constexpr std::size_t kShownBytes = 80;
constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

constexpr bool is_alnum(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c);
}

constexpr bool is_lower_alnum(char c) {
  return is_digit(c) || is_lower(c);
}

constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

bool all_of(std::string_view text, bool (*holds)(char)) {
  return std::ranges::all_of(text, holds);
}

// What follows the "/" in names like "example.com/gateway-controller".
bool is_domain_path(std::string_view text) {
  return !text.empty() &&
         all_of(text, [](char c) { return is_alnum(c) || is_one_of(c, "/-._~%!$&'()*+,;=:"); });
}

// A pattern without an anchor at its start: "<domain>/<rest>" may follow anything, so that only
// the character before the slash counts.
bool ends_in_domain_and(std::string_view text, bool (*rest_is_valid)(std::string_view)) {
  for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
       slash = text.find('/', slash + 1)) {
    if (slash > 0 && is_lower_alnum(text[slash - 1]) && rest_is_valid(text.substr(slash + 1))) {
      return true;
    }
  }
  return false;
}

bool is_alnum_word(std::string_view text) {
  return !text.empty() && all_of(text, is_alnum);
}

bool parse_address(int family, std::string_view text, void* address) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return false;
  if (text.find('\0') != std::string_view::npos) return false;
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  std::ranges::copy(text, terminated.begin());
  return inet_pton(family, terminated.data(), address) == 1;
}

// Bytes of the UTF-8 character that starts with `lead`; 0 when none does.
std::size_t utf8_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

// Bytes of the well-formed UTF-8 character at the start of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = utf8_length(lead);
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool above_last = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || above_last ? 0 : length;
}

void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
}

}  // namespace

bool is_dns_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_group(std::string_view text) {
  return text.empty() || is_dns_subdomain(text);
}

bool is_kind(std::string_view text) {
  return !text.empty() && (is_lower(text.front()) || is_upper(text.front())) &&
         is_alnum(text.back()) && all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_hostname(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  return is_exact_hostname(text);
}

bool is_exact_hostname(std::string_view text) {
  return is_dns_subdomain(text) && !is_ip_address(text);
}

bool is_header_name(std::string_view text) {
  return !text.empty() &&
         all_of(text, [](char c) { return is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); });
}

bool is_duration(std::string_view text) {
  int parts = 0;
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
      ++digits;
    if (digits == 0 || digits > 5 || ++parts > 4) return false;
    text.remove_prefix(digits);
    const std::size_t unit = text.starts_with("ms") ? 2 : 1;
    if (text.empty() || !is_one_of(text.front(), "hms")) return false;
    text.remove_prefix(unit);
  }
  return parts > 0;
}

std::int64_t duration_ms(std::string_view text) {
  std::int64_t total = 0;
  std::int64_t number = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      number = number * 10 + (text[i] - '0');
      continue;
    }
    std::int64_t unit = 3'600'000;
    if (text[i] == 's') unit = 1'000;
    if (text[i] == 'm') unit = 60'000;
    if (text.substr(i).starts_with("ms")) {
      unit = 1;
      ++i;
    }
    total += number * unit;
    number = 0;
  }
  return total;
}

bool is_controller_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && is_dns_subdomain(text.substr(0, slash)) &&
         is_domain_path(text.substr(slash + 1));
}

bool is_protocol(std::string_view text) {
  const bool plain = !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
                     all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
  return plain || ends_in_domain_and(text, is_alnum_word);
}

bool is_address_type(std::string_view text) {
  return text.starts_with("Hostname") || text.find("IPAddress") != std::string_view::npos ||
         text.find("NamedAddress") != std::string_view::npos ||
         ends_in_domain_and(text, is_domain_path);
}

bool is_routability(std::string_view text) {
  if (text.empty() || text == "Cluster") return true;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) return false;
  const std::string_view domain = text.substr(0, slash);
  return is_dns_subdomain(domain) && domain != "k8s.io" && !domain.ends_with(".k8s.io");
}

bool is_cors_origin(std::string_view text) {
  if (text == "*") return true;
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return false;
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !all_of(port, is_digit)) return false;
    text = text.substr(0, colon);
  }
  if (text == "*") return true;
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  return text.find("..") == std::string_view::npos &&
         all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
}

bool is_label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (slash > 253 || !is_dns_subdomain(text.substr(0, slash))) return false;
    text.remove_prefix(slash + 1);
  }
  return !text.empty() && text.size() <= 63 && is_label_value(text);
}

bool is_label_value(std::string_view text) {
  return text.empty() || (is_alnum(text.front()) && is_alnum(text.back()) &&
                          all_of(text, [](char c) { return is_alnum(c) || is_one_of(c, "-_."); }));
}

bool is_annotation_key(std::string_view text) {
  std::string lower_case(text);
  for (char& c : lower_case) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return is_label_key(lower_case);
}

bool is_port_name(std::string_view text) {
  return is_dns_label(text) && std::ranges::any_of(text, is_lower) &&
         text.find("--") == std::string_view::npos;
}

bool is_data_key(std::string_view text) {
  return !text.empty() && text != "." && !text.starts_with("..") &&
         all_of(text, [](char c) { return is_alnum(c) || is_one_of(c, "-_."); });
}

bool is_base64(std::string_view text) {
  std::size_t characters = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    ++characters;
    if (c == '=') {
      ++padding;
    } else if (padding > 0 || !(is_alnum(c) || c == '+' || c == '/')) {
      return false;
    }
  }
  return characters % 4 == 0 && padding <= 2;
}

bool is_ip_address(std::string_view text) {
  in6_addr address{};
  return parse_address(AF_INET, text, &address) || parse_address(AF_INET6, text, &address);
}

bool is_endpoint_ipv4(std::string_view text) {
  in_addr address{};
  if (!parse_address(AF_INET, text, &address)) return false;
  const std::uint32_t bits = ntohl(address.s_addr);
  return bits != 0 && (bits >> 28) != 14;
}

bool is_endpoint_ipv6(std::string_view text) {
  in6_addr address{};
  return parse_address(AF_INET6, text, &address) && IN6_IS_ADDR_UNSPECIFIED(&address) == 0 &&
         address.s6_addr[0] != 0xFF;
}

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && text.find('\0') == std::string_view::npos;
}

bool is_path_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_alnum(text[i]) && !is_one_of(text[i], "-/._~!$&'()*+,;=:@")) {
      return false;
    }
  }
  return !text.empty();
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  std::size_t i = 0;
  while (i < text.size() && i < kShownBytes) {
    const std::size_t length = utf8_length(text.substr(i));
    const bool control = static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F;
    if (length == 0 || control || text[i] == '"' || text[i] == '\\') {
      append_escaped(out, text[i]);
      ++i;
    } else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
  out += i < text.size() ? "\"..." : "\"";
  return out;
}

std::string readable(std::string_view text) {
  const bool plain = !text.empty() && text.size() <= kShownBytes &&
                     all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  return plain ? std::string(text) : quote(text);
}

}  // namespace sluice::model
