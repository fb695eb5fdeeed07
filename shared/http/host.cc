#include "shared/http/host.h"

#include <algorithm>

#include "shared/http/header.h"

namespace sluice::http {

namespace {

constexpr std::size_t kMaxNameBytes = 253;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}

// unreserved, sub-delims and '%' of RFC 3986; lower case.
bool is_host_byte(char c) {
  return is_lower_alnum(c) ||
         std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

struct Authority {
  std::string_view host;
  bool literal = false;  // "[...]"
};

std::optional<Authority> split_port(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return Authority{authority.substr(0, end + 1), true};
  }
  const std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos) return Authority{authority};
  if (!is_port(authority.substr(colon + 1))) return std::nullopt;
  return Authority{authority.substr(0, colon)};
}

bool is_literal(std::string_view text) {
  const std::string_view inner = text.substr(1, text.size() - 2);
  return !inner.empty() && std::all_of(inner.begin(), inner.end(),
                                       [](char c) { return c == ':' || is_host_byte(c); });
}

bool has_empty_label(std::string_view name) {
  return name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string_view::npos;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_name(std::string_view name) {
  std::size_t dot = name.find('.');
  for (; dot != std::string_view::npos; dot = name.find('.')) {
    if (!is_label(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return is_label(name);
}

bool is_below(std::string_view host, std::string_view name) {
  return host.size() > name.size() && host.ends_with(name) &&
         host[host.size() - name.size() - 1] == '.';
}

}  // namespace

std::optional<std::string_view> normalise_host(std::string_view authority, std::span<char> buffer) {
  const std::optional<Authority> parts = split_port(authority);
  if (!parts) return std::nullopt;
  std::string_view host = parts->host;
  if (!parts->literal && host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > std::min(kMaxHostBytes, buffer.size())) return std::nullopt;
  std::transform(host.begin(), host.end(), buffer.begin(), lower);
  const std::string_view lowered(buffer.data(), host.size());
  if (parts->literal) return is_literal(lowered) ? std::optional(lowered) : std::nullopt;
  if (has_empty_label(lowered) || (lowered.empty() && !authority.empty())) return std::nullopt;
  if (!std::all_of(lowered.begin(), lowered.end(), is_host_byte)) return std::nullopt;
  return lowered;
}

std::optional<HostPattern> parse_host_pattern(std::string_view text) {
  if (text.empty()) return HostPattern{};
  if (text.size() > kMaxNameBytes) return std::nullopt;
  HostPattern pattern{HostForm::kExact, text};
  if (text.starts_with("*.")) pattern = {HostForm::kWildcard, text.substr(2)};
  if (!is_dns_name(pattern.name)) return std::nullopt;
  return pattern;
}

bool host_matches(const HostPattern& pattern, std::string_view host) {
  switch (pattern.form) {
    case HostForm::kExact:
      return host == pattern.name;
    case HostForm::kWildcard:
      return is_below(host, pattern.name);
    case HostForm::kAny:
      return true;
  }
  return false;
}

std::optional<HostPattern> intersect(const HostPattern& a, const HostPattern& b) {
  if (a.form == HostForm::kAny) return b;
  if (b.form == HostForm::kAny) return a;
  if (a.form == HostForm::kExact) return host_matches(b, a.name) ? std::optional(a) : std::nullopt;
  if (b.form == HostForm::kExact) return host_matches(a, b.name) ? std::optional(b) : std::nullopt;
  if (a.name == b.name || is_below(a.name, b.name)) return a;
  if (is_below(b.name, a.name)) return b;
  return std::nullopt;
}

std::uint32_t count_labels(std::string_view name) {
  if (name.empty()) return 0;
  return 1 + static_cast<std::uint32_t>(std::count(name.begin(), name.end(), '.'));
}

}  // namespace sluice::http
