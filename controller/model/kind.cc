// The table of kinds.
#include <array>

#include "controller/model/object.h"

namespace sluice::model {

namespace {

struct KindRow {
  Kind kind;
  std::string_view group;
  std::string_view name;
  bool namespaced;
};

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

// In the order of the enumerators, which row() relies on.
constexpr std::array<KindRow, 10> kKinds = {{
    {Kind::kGatewayClass, kGatewayGroup, "GatewayClass", false},
    {Kind::kGateway, kGatewayGroup, "Gateway", true},
    {Kind::kHttpRoute, kGatewayGroup, "HTTPRoute", true},
    {Kind::kReferenceGrant, kGatewayGroup, "ReferenceGrant", true},
    {Kind::kService, "", "Service", true},
    {Kind::kEndpointSlice, "discovery.k8s.io", "EndpointSlice", true},
    {Kind::kNamespace, "", "Namespace", false},
    {Kind::kSecret, "", "Secret", true},
    {Kind::kConfigMap, "", "ConfigMap", true},
    {Kind::kBackend, "sluice.dev", "Backend", true},
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

std::string ObjectKey::text() const {
  return std::string(kind_name(kind)) + "/" + name.text();
}

}  // namespace sluice::model
