// The Location of a RequestRedirect, always absolute.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.
// Fails: none when the buffer has fewer bytes than location_bytes() says.
// Spec: gateway-api v1 HTTPRequestRedirectFilter; RFC 9110 10.2.2
// Tested by: test/unit/shared/http/redirect_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

struct Redirect {
  // Of the request.
  std::string_view client_scheme;   // "http" or "https"
  std::string_view client_host;     // without port
  std::uint16_t listener_port = 0;  // as clients see it; 0: unknown
  // Of the filter; empty or 0: not given.
  std::string_view scheme;
  std::string_view hostname;
  std::uint16_t port = 0;
  // After path edits.
  std::string_view path;
  std::string_view query;  // with its '?', or empty
};

constexpr std::size_t location_bytes(const Redirect& redirect) {
  constexpr std::size_t kFixed = sizeof("://:65535") - 1;
  return redirect.client_scheme.size() + redirect.scheme.size() + redirect.client_host.size() +
         redirect.hostname.size() + redirect.path.size() + redirect.query.size() + kFixed;
}

// The port that the Location must show: the filter's; else, with a scheme in the filter, that
// scheme's own; else the listener's. None: it is the scheme's own, or unknown.
std::optional<std::uint16_t> location_port(const Redirect& redirect);

std::optional<std::string_view> write_location(const Redirect& redirect, std::span<char> buffer);

}  // namespace sluice::http
