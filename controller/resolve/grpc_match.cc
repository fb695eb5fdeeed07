#include "controller/resolve/grpc_match.h"

#include <string>
#include <string_view>

namespace sluice::resolve {

namespace {

using model::PathMatchType;

constexpr std::string_view kAnySegment = "[^/]+";

std::string pattern_of(const std::string& part, bool regex) {
  if (part.empty()) return std::string(kAnySegment);
  return regex ? "(?:" + part + ")" : part;
}

model::PathMatch path_of(const model::GrpcMethodMatch& match) {
  if (match.service.empty() && match.method.empty()) return {PathMatchType::kPathPrefix, "/"};
  if (!match.regex && match.method.empty()) {
    return {PathMatchType::kPathPrefix, "/" + match.service};
  }
  if (!match.regex && !match.service.empty()) {
    return {PathMatchType::kExact, "/" + match.service + "/" + match.method};
  }
  return {PathMatchType::kRegularExpression, "/" + pattern_of(match.service, match.regex) + "/" +
                                                 pattern_of(match.method, match.regex)};
}

}  // namespace

model::HttpRouteMatch to_http_match(const model::GrpcRouteMatch& match) {
  return {.path = path_of(match.method),
          .headers = match.headers,
          .query_params = {},
          .method = std::nullopt};
}

}  // namespace sluice::resolve
