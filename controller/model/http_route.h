// HTTPRoute as its CRD says, defaults applied (implicit prefix "/", weight 1, parentRef group and
// kind). Spec: gateway-api v1.7.0 HTTPRoute
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::model {

// group and kind have their defaults; ns as the user wrote it, so that status can repeat it
// verbatim.
struct ParentRef {
  std::string group;
  std::string kind;
  std::optional<std::string> ns;
  std::string name;
  std::optional<std::string> section_name;
  std::optional<std::uint16_t> port;
  auto operator<=>(const ParentRef&) const = default;
};

struct BackendRef {
  std::string group;  // "" = core
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> ns;
  std::optional<std::uint16_t> port;
  std::uint32_t weight = 1;
  bool operator==(const BackendRef&) const = default;
};

enum class PathMatchType : std::uint8_t { kExact, kPathPrefix, kRegularExpression };

struct PathMatch {
  PathMatchType type = PathMatchType::kPathPrefix;
  std::string value = "/";
  bool operator==(const PathMatch&) const = default;
};

// A header or a query parameter.
struct NameMatch {
  bool regex = false;
  std::string name;
  std::string value;
  bool operator==(const NameMatch&) const = default;
};

struct HttpRouteMatch {
  PathMatch path;
  std::vector<NameMatch> headers;
  std::vector<NameMatch> query_params;
  std::optional<std::string> method;
  bool operator==(const HttpRouteMatch&) const = default;
};

struct HttpRouteRule {
  std::optional<std::string> name;
  std::vector<HttpRouteMatch> matches;  // never empty after decoding
  std::vector<BackendRef> backend_refs;
  bool operator==(const HttpRouteRule&) const = default;
};

struct HttpRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::vector<std::string> hostnames;
  std::vector<HttpRouteRule> rules;
  // Valid fields that this version does not serve (filters, timeouts, retry ...), as paths:
  // "spec.rules[0].filters[1]".
  std::vector<std::string> unsupported_fields;
};

}  // namespace sluice::model
