// The table of kinds.
#include <algorithm>
#include <array>

#include "controller/model/object.h"

namespace sluice::model {

namespace {

struct KindRow {
  Kind kind;
  std::string_view group;
  std::string_view name;
  bool namespaced;
  std::array<std::string_view, 3> versions;  // "": none
};

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

// In the order of the enumerators, which row() relies on.
constexpr std::array<KindRow, 18> kKinds = {{
    {Kind::kGatewayClass, kGatewayGroup, "GatewayClass", false, {"v1", "v1beta1"}},
    {Kind::kGateway, kGatewayGroup, "Gateway", true, {"v1", "v1beta1"}},
    {Kind::kListenerSet, kGatewayGroup, "ListenerSet", true, {"v1"}},
    {Kind::kHttpRoute, kGatewayGroup, "HTTPRoute", true, {"v1", "v1beta1"}},
    {Kind::kGrpcRoute, kGatewayGroup, "GRPCRoute", true, {"v1"}},
    {Kind::kTlsRoute, kGatewayGroup, "TLSRoute", true, {"v1", "v1alpha3", "v1alpha2"}},
    {Kind::kTcpRoute, kGatewayGroup, "TCPRoute", true, {"v1", "v1alpha2"}},
    {Kind::kUdpRoute, kGatewayGroup, "UDPRoute", true, {"v1", "v1alpha2"}},
    {Kind::kReferenceGrant, kGatewayGroup, "ReferenceGrant", true, {"v1", "v1beta1"}},
    {Kind::kService, "", "Service", true, {"v1"}},
    {Kind::kEndpointSlice, "discovery.k8s.io", "EndpointSlice", true, {"v1"}},
    {Kind::kNamespace, "", "Namespace", false, {"v1"}},
    {Kind::kSecret, "", "Secret", true, {"v1"}},
    {Kind::kConfigMap, "", "ConfigMap", true, {"v1"}},
    {Kind::kBackend, "sluice.dev", "Backend", true, {"v1alpha1"}},
    {Kind::kBackendTlsPolicy, kGatewayGroup, "BackendTLSPolicy", true, {"v1"}},
    {Kind::kGatewayParameters, "sluice.dev", "GatewayParameters", true, {"v1alpha1"}},
    {Kind::kClusterTrustBundle,
     "certificates.k8s.io",
     "ClusterTrustBundle",
     false,
     {"v1", "v1beta1"}},
}};

constexpr bool rows_follow_enumerators() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (static_cast<std::size_t>(kKinds[i].kind) != i) return false;
  }
  return true;
}

static_assert(rows_follow_enumerators());

const KindRow& row(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string_view kind_name(Kind kind) {
  return row(kind).name;
}

std::string_view kind_group(Kind kind) {
  return row(kind).group;
}

bool is_namespaced(Kind kind) {
  return row(kind).namespaced;
}

std::optional<Kind> find_kind(std::string_view group, std::string_view kind) {
  for (const KindRow& candidate : kKinds) {
    if (candidate.group == group && candidate.name == kind) return candidate.kind;
  }
  return std::nullopt;
}

bool serves_version(Kind kind, std::string_view version) {
  const auto& versions = row(kind).versions;
  return !version.empty() && std::ranges::find(versions, version) != versions.end();
}

std::string_view preferred_version(Kind kind) {
  return row(kind).versions.front();
}

std::string ObjectKey::text() const {
  return std::string(kind_name(kind)) + "/" + name.text();
}

}  // namespace sluice::model
