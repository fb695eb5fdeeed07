#include "shared/http/cors.h"

#include <algorithm>

#include "shared/http/header.h"

namespace sluice::http {

namespace {

constexpr std::string_view kAny = "*";

bool has_any(CorsList list) {
  return std::find(list.begin(), list.end(), kAny) != list.end();
}

bool is_host_byte(char c) {
  const char low = lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// `asked`: what stands in for "*".
CorsValue allowed(CorsList list, std::string_view asked) {
  if (!has_any(list)) return {{}, list};
  return {asked, {}};
}

}  // namespace

bool origin_matches(std::string_view pattern, std::string_view origin) {
  if (origin.empty()) return false;
  if (pattern == kAny) return true;
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return same_header_name(pattern, origin);
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  // A '*' in the scheme, or a second one, is no pattern.
  if (head.find("://") == std::string_view::npos) return false;
  if (origin.size() <= head.size() + tail.size()) return false;
  if (!same_header_name(head, origin.substr(0, head.size()))) return false;
  if (!same_header_name(tail, origin.substr(origin.size() - tail.size()))) return false;
  const std::string_view middle =
      origin.substr(head.size(), origin.size() - head.size() - tail.size());
  return std::all_of(middle.begin(), middle.end(), is_host_byte);
}

bool is_preflight(std::string_view method, const CorsRequest& request) {
  return method == "OPTIONS" && !request.origin.empty() && !request.method.empty();
}

CorsAnswer answer_cors(const CorsPolicy& policy, const CorsRequest& request) {
  CorsAnswer answer;
  const bool echo_any = policy.allow_credentials;
  answer.vary = echo_any || !has_any(policy.allow_origins);
  const bool matches = std::any_of(
      policy.allow_origins.begin(), policy.allow_origins.end(),
      [&](std::string_view pattern) { return origin_matches(pattern, request.origin); });
  if (!matches) return answer;
  answer.allow_origin = answer.vary ? request.origin : kAny;
  answer.allow_credentials = policy.allow_credentials;
  answer.allow_methods = allowed(policy.allow_methods, echo_any ? request.method : kAny);
  // "*" would not cover Authorization.
  const bool asks = echo_any || !request.headers.empty();
  answer.allow_headers = allowed(policy.allow_headers, asks ? request.headers : kAny);
  if (has_any(policy.expose_headers) && echo_any) {
    answer.expose_all = true;
  } else {
    answer.expose_headers = allowed(policy.expose_headers, kAny);
  }
  return answer;
}

}  // namespace sluice::http
