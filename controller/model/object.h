// What every API object has, and where in the user's text it came from.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sluice::model {

enum class Kind : std::uint8_t {
  kGatewayClass,
  kGateway,
  kListenerSet,
  kHttpRoute,
  kGrpcRoute,
  kTlsRoute,
  kTcpRoute,
  kUdpRoute,
  kReferenceGrant,
  kService,
  kEndpointSlice,
  kNamespace,
  kSecret,
  kConfigMap,
  kBackend,
  kBackendTlsPolicy,
  kGatewayParameters,
  kClusterTrustBundle,
};

constexpr Kind kLastKind = Kind::kClusterTrustBundle;

// "HTTPRoute", "gateway.networking.k8s.io" and so on; the table of kinds is in kind.cc.
std::string_view kind_name(Kind kind);
std::string_view kind_group(Kind kind);
std::optional<Kind> find_kind(std::string_view group, std::string_view kind);
bool serves_version(Kind kind, std::string_view version);  // "v1", "v1beta1"
std::string_view preferred_version(Kind kind);
bool is_namespaced(Kind kind);

// namespace is empty for cluster-scoped kinds.
struct ObjectName {
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectName&) const = default;

  std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

struct ObjectKey {
  Kind kind = Kind::kGateway;
  ObjectName name;
  auto operator<=>(const ObjectKey&) const = default;
  std::string text() const;  // "HTTPRoute/default/web"
};

using Labels = std::map<std::string, std::string>;

// File and line of the object's document, for messages; line counts from 1, 0 = unknown.
struct Position {
  std::string file;
  int line = 0;
};

struct Meta {
  ObjectName name;
  std::string uid = {};  // of the API server; "": there is none
  std::int64_t generation = 1;
  std::optional<std::int64_t> created;  // creationTimestamp, seconds since the epoch
  Labels labels;
  Labels annotations;
  Position position;
};

// A problem of one object (or one document that is not an object), for people.
struct Problem {
  Position position;
  std::string object;   // "HTTPRoute/default/web", or "" when it is not known
  std::string field;    // "spec.rules[0].matches[1].path.value", or ""
  std::string message;  // what was found and what is valid

  auto operator<=>(const Problem& other) const {
    return std::tie(position.file, position.line, object, field, message) <=>
           std::tie(other.position.file, other.position.line, other.object, other.field,
                    other.message);
  }

  bool operator==(const Problem& other) const { return (*this <=> other) == 0; }
};

}  // namespace sluice::model
