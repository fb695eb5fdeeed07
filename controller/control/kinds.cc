#include "controller/control/kinds.h"

#include <algorithm>
#include <array>

namespace sluice::control {
namespace {

struct Words {
  model::Kind kind;
  std::array<std::string_view, 3> words;  // plural, singular, short
};

constexpr std::array<Words, 18> kWords = {{
    {model::Kind::kGatewayClass, {"gatewayclasses", "gatewayclass", "gc"}},
    {model::Kind::kGateway, {"gateways", "gateway", "gtw"}},
    {model::Kind::kListenerSet, {"listenersets", "listenerset", "lset"}},
    {model::Kind::kHttpRoute, {"httproutes", "httproute", "route"}},
    {model::Kind::kGrpcRoute, {"grpcroutes", "grpcroute", ""}},
    {model::Kind::kTlsRoute, {"tlsroutes", "tlsroute", ""}},
    {model::Kind::kTcpRoute, {"tcproutes", "tcproute", ""}},
    {model::Kind::kUdpRoute, {"udproutes", "udproute", ""}},
    {model::Kind::kReferenceGrant, {"referencegrants", "referencegrant", "refgrant"}},
    {model::Kind::kService, {"services", "service", "svc"}},
    {model::Kind::kEndpointSlice, {"endpointslices", "endpointslice", "eps"}},
    {model::Kind::kNamespace, {"namespaces", "namespace", "ns"}},
    {model::Kind::kSecret, {"secrets", "secret", ""}},
    {model::Kind::kConfigMap, {"configmaps", "configmap", "cm"}},
    {model::Kind::kBackend, {"backends", "backend", ""}},
    {model::Kind::kBackendTlsPolicy, {"backendtlspolicies", "backendtlspolicy", "btlspolicy"}},
    {model::Kind::kGatewayParameters, {"gatewayparameters", "", ""}},
    {model::Kind::kClusterTrustBundle, {"clustertrustbundles", "clustertrustbundle", ""}},
}};

}  // namespace

std::optional<model::Kind> find_kind_by_word(std::string_view word) {
  const std::size_t dot = word.find('.');
  std::string wanted(word.substr(0, dot));
  for (char& c : wanted) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (wanted.empty()) return std::nullopt;
  for (const Words& row : kWords) {
    if (std::find(row.words.begin(), row.words.end(), wanted) == row.words.end()) continue;
    const bool same_group =
        dot == std::string_view::npos || word.substr(dot + 1) == model::kind_group(row.kind);
    return same_group ? std::optional(row.kind) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<model::Kind> known_kinds() {
  std::vector<model::Kind> kinds;
  kinds.reserve(kWords.size());
  for (const Words& row : kWords)
    kinds.push_back(row.kind);
  return kinds;
}

std::string known_kind_words() {
  std::string text;
  for (const Words& row : kWords) {
    if (!text.empty()) text += ", ";
    text += row.words.front();
  }
  return text;
}

}  // namespace sluice::control
