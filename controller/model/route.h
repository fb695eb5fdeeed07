// What routes of every kind have, defaults applied (weight 1, parentRef group and kind).
// Spec: gateway-api v1.7.0 CommonRouteSpec, ParentReference, HTTPRouteRule, GRPCRouteRule,
// TLSRouteRule, TCPRouteRule, UDPRouteRule
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/backend_ref.h"
#include "controller/model/http_filter.h"
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

// A header or a query parameter.
struct NameMatch {
  bool regex = false;
  std::string name;
  std::string value;
  bool operator==(const NameMatch&) const = default;
};

struct HttpBackendRef {
  BackendRef ref;
  std::vector<HttpFilter> filters = {};
  bool operator==(const HttpBackendRef&) const = default;
};

// In milliseconds; 0 ("0s"): the user wants no limit.
struct RouteTimeouts {
  std::optional<std::uint64_t> request_ms;
  std::optional<std::uint64_t> backend_request_ms;
  bool operator==(const RouteTimeouts&) const = default;
};

struct RouteRetry {
  std::uint64_t attempts = 1;  // besides the first try
  std::optional<std::uint64_t> backoff_ms;
  std::vector<std::uint16_t> codes;  // of 400 to 599
  bool operator==(const RouteRetry&) const = default;
};

// A rule but for its matches. Filters are of HTTPRoute and GRPCRoute, timeouts and retries of
// HTTPRoute only.
struct RouteRule {
  std::optional<std::string> name;
  std::vector<HttpFilter> filters;
  std::vector<HttpBackendRef> backend_refs;
  RouteTimeouts timeouts;
  std::optional<RouteRetry> retry;
  bool operator==(const RouteRule&) const = default;
};

// A route but for its rules.
struct Route {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::vector<std::string> hostnames;
  // What the CRD lets through and Sluice does not serve, a sentence each that begins with the
  // field: "spec.rules[0].filters[1].extensionRef is not served ...".
  std::vector<std::string> unserved;
};

}  // namespace sluice::model
