// Filters as values: what the Editor is told. No offsets, no arena.
//
// Process: controller and tests.   Spec: gateway-api v1 HTTPRouteFilter, GRPCRouteFilter
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "shared/table/format.h"

namespace sluice::table {

// A backend's identity: endpoints are published under it. text: "Service/namespace/name:port" or
// "Backend/namespace/name".
using BackendId = std::string;

// One header to set, add (another field of the name) or remove. The name as the user wrote it.
struct HeaderEdit {
  PartKind kind = PartKind::kSetHeader;  // kSetHeader, kAddHeader or kRemoveHeader
  std::string name;
  std::string value;  // empty for kRemoveHeader
  bool operator==(const HeaderEdit&) const = default;
};

struct RequestHeaderModifier {
  std::vector<HeaderEdit> edits;
  bool operator==(const RequestHeaderModifier&) const = default;
};

struct ResponseHeaderModifier {
  std::vector<HeaderEdit> edits;
  bool operator==(const ResponseHeaderModifier&) const = default;
};

enum class PathEdit : std::uint8_t { kNone, kFull, kPrefix };

struct RequestRedirect {
  std::uint16_t status = 302;
  std::uint16_t port = 0;  // 0: not given
  std::string scheme;      // empty: not given
  std::string hostname;
  PathEdit path_edit = PathEdit::kNone;
  std::string path;
  bool operator==(const RequestRedirect&) const = default;
};

struct UrlRewrite {
  std::string hostname;  // empty: not given
  PathEdit path_edit = PathEdit::kNone;
  std::string path;
  bool operator==(const UrlRewrite&) const = default;
};

// A copy of numerator of denominator requests goes to one endpoint of the backend. None for 0.
struct RequestMirror {
  BackendId backend;
  std::string name;  // "namespace/name:port"
  BackendProtocol protocol = BackendProtocol::kHttp1;
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

using FilterValue = std::variant<RequestHeaderModifier, ResponseHeaderModifier, RequestRedirect,
                                 UrlRewrite, RequestMirror, Cors>;

}  // namespace sluice::table
