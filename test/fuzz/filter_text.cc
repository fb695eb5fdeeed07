// What filters make of any request and of any text of a route keeps the promises of shared/http,
// and a list of filters of any bytes is read without a crash. The input's lines: path, replacement,
// host, scheme, query, origin, pattern of origins, then the head of a request to copy; all of it is
// a list of filters too.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "shared/http/cors.h"
#include "shared/http/field.h"
#include "shared/http/mirror_head.h"
#include "shared/http/path_rewrite.h"
#include "shared/http/redirect.h"
#include "shared/table/backend_tls.h"
#include "shared/table/filter_reader.h"

namespace {

namespace http = sluice::http;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// Of exactly this size, so that writing beyond it is seen.
struct Room {
  explicit Room(std::size_t bytes) : memory(new char[bytes]), span(memory.get(), bytes) {}

  std::unique_ptr<char[]> memory;
  std::span<char> span;
};

void check_path(std::string_view result) {
  require(result.starts_with('/') && !result.starts_with("//"));
  require(result.find_first_of("?# \r\n") == std::string_view::npos);
}

void check_paths(std::string_view path, std::string_view replacement) {
  const std::size_t bytes = http::rewritten_path_bytes(path, replacement);
  Room room(bytes);
  const auto full = http::replace_full_path(replacement, room.span);
  if (!full) std::abort();
  check_path(*full);
  // What a normalised path can be: no '?', '#' or blanks, which normalise_path() refuses.
  if (!path.starts_with('/') || path.find_first_of("?# \r\n") != std::string_view::npos) return;
  for (std::size_t prefix = 0; prefix <= path.size(); ++prefix) {
    if (prefix < path.size() && path[prefix] != '/') continue;
    const auto result = http::replace_prefix(path, prefix, replacement, room.span);
    if (!result) std::abort();
    check_path(*result);
    const std::size_t kept = std::min(path.find_first_not_of('/', prefix), path.size());
    require(result->ends_with(path.substr(kept)));
  }
}

void check_redirect(std::string_view path, std::string_view host, std::string_view scheme,
                    std::string_view query) {
  http::Redirect redirect;
  redirect.client_scheme = "https";
  redirect.client_host = "client.example.com";
  redirect.listener_port = 8443;
  redirect.scheme = scheme;
  redirect.hostname = host;
  redirect.port = static_cast<std::uint16_t>(path.size());
  redirect.path = path;
  redirect.query = query;
  Room room(http::location_bytes(redirect));
  const auto location = http::write_location(redirect, room.span);
  if (!location) std::abort();
  require(location->starts_with(scheme.empty() ? "https" : scheme));
  require(location->ends_with(std::string(path) + std::string(query)));
}

void check_cors(std::string_view origin, std::string_view pattern, std::string_view method) {
  const std::array<std::string_view, 2> origins = {pattern, "https://a.example.com"};
  http::CorsPolicy policy;
  policy.allow_origins = origins;
  policy.allow_methods = {&method, 1};
  http::CorsRequest request;
  request.origin = origin;
  request.method = method;
  const bool allowed = std::any_of(origins.begin(), origins.end(), [origin](auto each) {
    return http::origin_matches(each, origin);
  });
  for (const bool credentials : {false, true}) {
    policy.allow_credentials = credentials;
    const http::CorsAnswer answer = http::answer_cors(policy, request);
    require(!answer.allow_origin.empty() == (allowed && !origin.empty()));
    require(answer.allow_origin.empty() || answer.allow_origin == origin ||
            (answer.allow_origin == "*" && !credentials));
    require(!answer.allow_credentials || credentials);
  }
}

void check_mirror(std::string_view head) {
  Room room(http::mirror_head_bytes(head));
  const auto copy = http::write_mirror_head(head, head.size(), room.span);
  if (!copy) return;
  require(copy->ends_with("Connection: close\r\n\r\n"));
  std::size_t lengths = 0;
  std::string_view rest = copy->substr(copy->find("\r\n") + 2);
  for (std::size_t end = rest.find("\r\n"); end != 0; end = rest.find("\r\n")) {
    const std::string_view line = rest.substr(0, end);
    const std::string_view name = line.substr(0, line.find(':'));
    if (name == "Content-Length") ++lengths;
    require(name == "Content-Length" || name == "Connection" || !http::is_connection_field(name));
    rest.remove_prefix(end + 2);
  }
  require(lengths == 1 && rest == "\r\n");
}

void check_filters(std::string_view list) {
  sluice::table::FilterReader filters(list);
  while (filters.next()) {
    while (const auto part = filters.next_part())
      require(lies_in(part->name, list) && lies_in(part->value, list));
  }
  static_cast<void>(sluice::table::backend_tls_text(list));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  check_filters(rest);
  const std::string_view path = take_line(rest);
  check_paths(path, take_line(rest));
  const std::string_view host = take_line(rest);
  const std::string_view scheme = take_line(rest);
  check_redirect(path, host, scheme, take_line(rest));
  const std::string_view origin = take_line(rest);
  check_cors(origin, take_line(rest), host);
  check_mirror(rest);
  return 0;
}
