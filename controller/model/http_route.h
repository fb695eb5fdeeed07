// HTTPRoute as its CRD says, defaults applied (implicit prefix "/").
// Spec: gateway-api v1.7.0 HTTPRoute
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/route.h"

namespace sluice::model {

enum class PathMatchType : std::uint8_t { kExact, kPathPrefix, kRegularExpression };

struct PathMatch {
  PathMatchType type = PathMatchType::kPathPrefix;
  std::string value = "/";
  bool operator==(const PathMatch&) const = default;
};

struct HttpRouteMatch {
  PathMatch path;
  std::vector<NameMatch> headers;
  std::vector<NameMatch> query_params;
  std::optional<std::string> method;
  bool operator==(const HttpRouteMatch&) const = default;
};

struct HttpRouteRule : RouteRule {
  std::vector<HttpRouteMatch> matches;  // never empty after decoding
  bool operator==(const HttpRouteRule&) const = default;
};

struct HttpRoute : Route {
  std::vector<HttpRouteRule> rules;
};

}  // namespace sluice::model
