#include "controller/source/kube/kinds.h"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::source {

namespace {

using kube::Form;
using model::Kind;

constexpr std::array kFollowed = {
    FollowedKind{Kind::kGatewayClass, "gatewayclasses"},
    FollowedKind{Kind::kGateway, "gateways"},
    FollowedKind{Kind::kListenerSet, "listenersets"},
    FollowedKind{Kind::kHttpRoute, "httproutes"},
    FollowedKind{Kind::kGrpcRoute, "grpcroutes"},
    FollowedKind{Kind::kTlsRoute, "tlsroutes"},
    FollowedKind{Kind::kTcpRoute, "tcproutes", Form::kWhole, true, "v1alpha2"},
    FollowedKind{Kind::kUdpRoute, "udproutes", Form::kWhole, true, "v1alpha2"},
    FollowedKind{Kind::kReferenceGrant, "referencegrants", Form::kWhole, false, "v1beta1"},
    FollowedKind{Kind::kBackendTlsPolicy, "backendtlspolicies"},
    FollowedKind{Kind::kService, "services"},
    FollowedKind{Kind::kEndpointSlice, "endpointslices"},
    FollowedKind{Kind::kNamespace, "namespaces"},
    FollowedKind{Kind::kSecret, "secrets", Form::kMetadata},
    FollowedKind{Kind::kConfigMap, "configmaps", Form::kMetadata},
    FollowedKind{Kind::kBackend, "backends", Form::kWhole, true},
    FollowedKind{Kind::kGatewayParameters, "gatewayparameters", Form::kWhole, true},
    FollowedKind{Kind::kClusterTrustBundle, "clustertrustbundles", Form::kWhole, true, "v1beta1"},
};

}  // namespace

std::span<const FollowedKind> followed_kinds() {
  return kFollowed;
}

bool has_status(model::Kind kind) {
  switch (kind) {
    case Kind::kGatewayClass:
    case Kind::kGateway:
    case Kind::kListenerSet:
    case Kind::kHttpRoute:
    case Kind::kGrpcRoute:
    case Kind::kTlsRoute:
    case Kind::kTcpRoute:
    case Kind::kUdpRoute:
    case Kind::kBackendTlsPolicy:
      return true;
    default:
      return false;
  }
}

kube::Resource resource_of(model::Kind kind) {
  return resource_of(kind, model::preferred_version(kind));
}

kube::Resource resource_of(model::Kind kind, std::string_view version) {
  const auto* const found = std::find_if(kFollowed.begin(), kFollowed.end(),
                                         [kind](const auto& each) { return each.kind == kind; });
  const std::string group(model::kind_group(kind));
  return {group + (group.empty() ? "" : "/") + std::string(version), found->plural};
}

std::string crd_of(const kube::Resource& resource) {
  return resource.plural + "." + resource.api_version.substr(0, resource.api_version.find('/'));
}

}  // namespace sluice::source
