#include "controller/model/decode/decode.h"

#include <fmt/format.h>

#include "controller/model/decode/field_reader.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

struct TypeName {
  std::string group;
  std::string version;
  std::string kind;
};

TypeName read_type(FieldReader& root) {
  TypeName type;
  std::string api_version = root.required_text("apiVersion", kAnyText);
  type.kind = root.required_text("kind", kAnyText);
  const std::size_t slash = api_version.find('/');
  if (slash != std::string::npos) {
    type.group = api_version.substr(0, slash);
    api_version.erase(0, slash + 1);
  }
  type.version = std::move(api_version);
  return type;
}

Object decode_kind(Kind kind, FieldReader& root, Meta meta) {
  switch (kind) {
    case Kind::kGatewayClass:
      return decode_gateway_class(root, std::move(meta));
    case Kind::kGateway:
      return decode_gateway(root, std::move(meta));
    case Kind::kListenerSet:
      return decode_listener_set(root, std::move(meta));
    case Kind::kHttpRoute:
      return decode_http_route(root, std::move(meta));
    case Kind::kGrpcRoute:
      return decode_grpc_route(root, std::move(meta));
    case Kind::kTlsRoute:
      return decode_tls_route(root, std::move(meta));
    case Kind::kTcpRoute:
      return decode_tcp_route(root, std::move(meta));
    case Kind::kUdpRoute:
      return decode_udp_route(root, std::move(meta));
    case Kind::kReferenceGrant:
      return decode_reference_grant(root, std::move(meta));
    case Kind::kService:
      return decode_service(root, std::move(meta));
    case Kind::kEndpointSlice:
      return decode_endpoint_slice(root, std::move(meta));
    case Kind::kNamespace:
      return decode_namespace(root, std::move(meta));
    case Kind::kSecret:
      return decode_secret(root, std::move(meta));
    case Kind::kConfigMap:
      return decode_config_map(root, std::move(meta));
    case Kind::kBackend:
      return decode_backend(root, std::move(meta));
    case Kind::kBackendTlsPolicy:
      return decode_backend_tls_policy(root, std::move(meta));
    case Kind::kGatewayParameters:
      return decode_gateway_parameters(root, std::move(meta));
    case Kind::kClusterTrustBundle:
      return decode_cluster_trust_bundle(root, std::move(meta));
  }
  return decode_backend(root, std::move(meta));
}

// Only where a CRD is the judge, null is a value.
bool is_custom_resource(Kind kind) {
  return !kind_group(kind).empty() && kind != Kind::kEndpointSlice &&
         kind != Kind::kClusterTrustBundle;
}

// The kind when Sluice reads it in this version.
std::optional<Kind> find_served(FieldReader& root, const TypeName& type) {
  const std::optional<Kind> kind = find_kind(type.group, type.kind);
  if (!kind) return std::nullopt;
  if (serves_version(*kind, type.version)) return kind;
  root.warn("apiVersion", fmt::format("found version {} of {}, which is not read; valid is {}",
                                      quote(type.version), type.kind, preferred_version(*kind)));
  return std::nullopt;
}

void decode_into(Decoded& decoded, const nlohmann::json& json, Report& report) {
  FieldReader root(json, report);
  if (!root.is_object()) {
    root.refuse("found something else than a mapping; valid is an object with apiVersion and kind");
    return;
  }
  const TypeName type = read_type(root);
  const std::optional<Kind> kind = find_served(root, type);
  if (!kind) {
    root.ignore_unknown();
    if (!report.errors.empty()) return;
    const std::string group = type.group.empty() ? "" : readable(type.group) + "/";
    decoded.ignored_kind =
        fmt::format("{}{} {}", group, readable(type.version), readable(type.kind));
    return;
  }
  if (!is_custom_resource(*kind)) root.treat_null_as_absent();
  Meta meta = decode_meta(root, *kind);
  meta.position = report.position;
  decoded.known = true;
  decoded.key = {*kind, meta.name};
  Object object = decode_kind(*kind, root, std::move(meta));
  if (report.errors.empty()) decoded.object = std::make_shared<const Object>(std::move(object));
}

}  // namespace

Decoded decode_object(const nlohmann::json& json, const Position& position) {
  Decoded decoded;
  Report report;
  report.position = position;
  decode_into(decoded, json, report);
  decoded.errors = std::move(report.errors);
  decoded.warnings = std::move(report.warnings);
  if (decoded.known && !decoded.key.name.name.empty()) {
    const std::string object = decoded.key.text();
    for (Problem& problem : decoded.errors)
      problem.object = object;
    for (Problem& problem : decoded.warnings)
      problem.object = object;
  }
  return decoded;
}

}  // namespace sluice::model
