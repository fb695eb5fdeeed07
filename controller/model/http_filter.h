// The filters of HTTPRoute and GRPCRoute as their CRDs say, defaults applied. GRPCRoute has some of
// them. Spec: gateway-api v1.7.0 HTTPRouteFilter, GRPCRouteFilter
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/model/backend_ref.h"

namespace sluice::model {

struct HeaderValue {
  std::string name;
  std::string value;
  bool operator==(const HeaderValue&) const = default;
};

struct HeaderEdits {
  std::vector<HeaderValue> set;
  std::vector<HeaderValue> add;
  std::vector<std::string> remove;
  bool operator==(const HeaderEdits&) const = default;
};

struct RequestHeaderModifier {
  HeaderEdits edits;
  bool operator==(const RequestHeaderModifier&) const = default;
};

struct ResponseHeaderModifier {
  HeaderEdits edits;
  bool operator==(const ResponseHeaderModifier&) const = default;
};

enum class PathModifierType : std::uint8_t { kFullPath, kPrefixMatch };

struct PathModifier {
  PathModifierType type = PathModifierType::kFullPath;
  std::string value;
  bool operator==(const PathModifier&) const = default;
};

struct RequestRedirect {
  std::optional<std::string> scheme;
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;
  std::optional<std::uint16_t> port;
  std::uint16_t status_code = 302;
  bool operator==(const RequestRedirect&) const = default;
};

struct UrlRewrite {
  std::optional<std::string> hostname;
  std::optional<PathModifier> path;
  bool operator==(const UrlRewrite&) const = default;
};

// percent is a fraction of 100; with neither, every request is mirrored.
struct RequestMirror {
  BackendRef backend;
  std::uint32_t numerator = 100;
  std::uint32_t denominator = 100;
  bool operator==(const RequestMirror&) const = default;
};

struct Cors {
  bool allow_credentials = false;
  std::uint32_t max_age = 5;  // seconds
  std::vector<std::string> allow_origins;
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  bool operator==(const Cors&) const = default;
};

// Never served: the route says so in its unserved fields.
struct ExtensionRef {
  std::string group;
  std::string kind;
  std::string name;
  bool operator==(const ExtensionRef&) const = default;
};

using HttpFilter = std::variant<RequestHeaderModifier, ResponseHeaderModifier, RequestRedirect,
                                UrlRewrite, RequestMirror, Cors, ExtensionRef>;

}  // namespace sluice::model
