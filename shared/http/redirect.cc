#include "shared/http/redirect.h"

#include <algorithm>
#include <charconv>

namespace sluice::http {

namespace {

std::string_view scheme_of(const Redirect& redirect) {
  return redirect.scheme.empty() ? redirect.client_scheme : redirect.scheme;
}

std::uint16_t own_port(std::string_view scheme) {
  if (scheme == "http") return 80;
  return scheme == "https" ? 443 : 0;
}

}  // namespace

std::optional<std::uint16_t> location_port(const Redirect& redirect) {
  const std::uint16_t own = own_port(scheme_of(redirect));
  std::uint16_t port = redirect.port;
  if (port == 0) port = redirect.scheme.empty() ? redirect.listener_port : own;
  if (port == 0 || port == own) return std::nullopt;
  return port;
}

std::optional<std::string_view> write_location(const Redirect& redirect, std::span<char> buffer) {
  if (buffer.size() < location_bytes(redirect)) return std::nullopt;
  char* end = buffer.data();
  const auto put = [&end](std::string_view text) {
    end = std::copy(text.begin(), text.end(), end);
  };
  put(scheme_of(redirect));
  put("://");
  put(redirect.hostname.empty() ? redirect.client_host : redirect.hostname);
  if (const auto port = location_port(redirect)) {
    put(":");
    end = std::to_chars(end, buffer.data() + buffer.size(), *port).ptr;
  }
  put(redirect.path);
  put(redirect.query);
  return std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

}  // namespace sluice::http
