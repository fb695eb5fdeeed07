#include "controller/resolve/gateway_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "controller/resolve/conflicts.h"
#include "controller/resolve/gateway_addresses.h"

namespace sluice::resolve {

namespace {

constexpr std::string_view kRouteGroup = "gateway.networking.k8s.io";
constexpr std::array<std::string_view, 2> kHttpListenerKinds = {"HTTPRoute", "GRPCRoute"};
constexpr std::uint32_t kMaxPort = 65535;

// The features of Gateway API v1.7.0 that are served, by their official names. The README's table
// has a row for each, with the test that shows it.
constexpr std::array<std::string_view, 46> kFeatures = {
    "BackendTLSPolicy",
    "BackendTLSPolicySANValidation",
    "GRPCRoute",
    "GRPCRouteNamedRouteRule",
    "GRPCRouteRequestHeaderModifier",
    "Gateway",
    "GatewayAddressEmpty",
    "GatewayAddressRoutability",
    "GatewayAddressRoutabilityCluster",
    "GatewayBackendClientCertificate",
    "GatewayFrontendClientCertificateValidation",
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "GatewayHTTPListenerIsolation",
    "GatewayHTTPSListenerDetectMisdirectedRequests",
    "GatewayInfrastructure",
    "GatewayPort8080",
    "GatewayRouteHostnameIntersectionPrecedence",
    "GatewayStaticAddresses",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteBackendURLRewrite",
    "HTTPRouteCORS",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteRetryCodes",
    "HTTPRouteRetryConnectionError",
    "HTTPRouteSchemeRedirect",
    "ReferenceGrant",
};
static_assert(std::ranges::is_sorted(kFeatures));

// Those of them that need an API server to make objects in.
constexpr std::array<std::string_view, 1> kClusterFeatures = {"GatewayInfrastructure"};

// Those that need a pool of addresses as well.
constexpr std::array<std::string_view, 2> kPoolFeatures = {"GatewayAddressRoutability",
                                                           "GatewayAddressRoutabilityCluster"};

ProtocolFamily family_of(std::string_view protocol) {
  if (protocol == "HTTP") return ProtocolFamily::kHttp;
  if (protocol == "HTTPS" || protocol == "TLS") return ProtocolFamily::kTls;
  if (protocol == "TCP") return ProtocolFamily::kTcp;
  if (protocol == "UDP") return ProtocolFamily::kUdp;
  return ProtocolFamily::kUnknown;
}

bool is_served_protocol(std::string_view protocol) {
  return protocol == "HTTP" || protocol == "HTTPS";
}

std::optional<Refusal> refuse_gateway(const model::Gateway& gateway, const Parameters& parameters) {
  if (parameters.refusal) return parameters.refusal;
  for (std::size_t i = 0; i < gateway.addresses.size(); ++i) {
    const std::string& type = gateway.addresses[i].type;
    if (type == "IPAddress") continue;
    return Refusal{
        "UnsupportedAddress",
        fmt::format("spec.addresses[{}].type: \"{}\" is not supported; IPAddress is", i, type)};
  }
  for (const std::string& field : gateway.unsupported_fields) {
    if (field.starts_with("spec.listeners[")) continue;
    return Refusal{"Invalid", fmt::format("{} is not served by this version of Sluice", field)};
  }
  return std::nullopt;
}

// Fills in the kinds of routes that the listener takes, of those that can be served.
void plan_kinds(const model::Listener& listener, std::size_t index, ListenerPlan& plan) {
  if (!is_served_protocol(plan.protocol)) return;
  if (listener.allowed_routes.kinds.empty()) {
    plan.supported_kinds.assign(kHttpListenerKinds.begin(), kHttpListenerKinds.end());
    return;
  }
  std::vector<std::string> invalid;
  std::set<std::string_view> wanted;
  for (const model::RouteGroupKind& kind : listener.allowed_routes.kinds) {
    const auto known = std::ranges::find(kHttpListenerKinds, kind.kind);
    if (kind.group == kRouteGroup && known != kHttpListenerKinds.end()) {
      wanted.insert(*known);
    } else {
      invalid.push_back(fmt::format("{}/{}", kind.group, kind.kind));
    }
  }
  for (const std::string_view kind : kHttpListenerKinds) {
    if (wanted.contains(kind)) plan.supported_kinds.emplace_back(kind);
  }
  if (!invalid.empty()) {
    plan.unresolved = {
        "InvalidRouteKinds",
        fmt::format("spec.listeners[{}].allowedRoutes.kinds: {} can't be attached to a listener of "
                    "protocol {}; {} of group {} can",
                    index, fmt::join(invalid, ", "), plan.protocol,
                    fmt::join(kHttpListenerKinds, " and "), kRouteGroup)};
  }
}

std::optional<Refusal> refuse_listener(const model::Gateway& gateway, std::size_t index,
                                       const ListenerPlan& plan, const Options& options) {
  if (plan.family == ProtocolFamily::kUnknown) {
    return Refusal{"UnsupportedProtocol",
                   fmt::format("spec.listeners[{}].protocol: \"{}\" is not a protocol that Sluice "
                               "knows; HTTP and HTTPS are served",
                               index, plan.protocol)};
  }
  if (!is_served_protocol(plan.protocol)) {
    return Refusal{"UnsupportedProtocol",
                   fmt::format("spec.listeners[{}].protocol: {} is not served by this version of "
                               "Sluice; HTTP and HTTPS are",
                               index, plan.protocol)};
  }
  const std::string prefix = fmt::format("spec.listeners[{}].", index);
  for (const std::string& field : gateway.unsupported_fields) {
    if (!field.starts_with(prefix)) continue;
    return Refusal{"UnsupportedValue",
                   fmt::format("{} is not served by this version of Sluice", field)};
  }
  if (std::uint32_t{plan.port} + options.port_offset > kMaxPort) {
    return Refusal{"PortUnavailable",
                   fmt::format("spec.listeners[{}].port: {} plus the port offset {} is above {}",
                               index, plan.port, options.port_offset, kMaxPort)};
  }
  return std::nullopt;
}

ListenerPlan plan_listener(const model::Gateway& gateway, std::size_t index,
                           const std::vector<std::string>& addresses, const Options& options) {
  const model::Listener& listener = gateway.listeners[index];
  ListenerPlan plan;
  plan.name = listener.name;
  plan.hostname = listener.hostname.value_or("");
  plan.port = listener.port;
  plan.protocol = listener.protocol;
  plan.family = family_of(listener.protocol);
  plan.from = listener.allowed_routes.from;
  plan.selector = listener.allowed_routes.selector;
  plan_kinds(listener, index, plan);
  plan.refusal = refuse_listener(gateway, index, plan, options);
  const std::uint32_t open_port = std::uint32_t{listener.port} + options.port_offset;
  if (open_port <= kMaxPort) {
    for (const std::string& address : addresses) {
      plan.sockets.push_back({address, static_cast<std::uint16_t>(open_port)});
    }
    std::ranges::sort(plan.sockets);
  }
  return plan;
}

}  // namespace

ClassFindings class_findings(const std::optional<Refusal>& refusal, const Options& options) {
  ClassFindings findings;
  if (refusal) {
    findings.conditions.push_back({"Accepted", false, refusal->reason, refusal->message});
  } else {
    findings.conditions.push_back(
        {"Accepted", true, "Accepted", "Gateways of this class are served"});
  }
  findings.conditions.push_back({"SupportedVersion", true, "SupportedVersion",
                                 "Objects are read by the rules of Gateway API v1.7.0"});
  findings.supported_features.assign(kFeatures.begin(), kFeatures.end());
  std::erase_if(findings.supported_features, [&](const std::string& feature) {
    const bool of_pool = std::ranges::find(kPoolFeatures, feature) != kPoolFeatures.end();
    const bool of_cluster = std::ranges::find(kClusterFeatures, feature) != kClusterFeatures.end();
    if (of_pool && options.address_pool.empty()) return true;
    return (of_pool || of_cluster) && !options.in_cluster;
  });
  return findings;
}

GatewayPlan plan_gateway(const model::Gateway& gateway, const Parameters& parameters,
                         const Options& options, const AddressGrant* grant) {
  GatewayPlan plan;
  plan.created = gateway.meta.created;
  plan.generation = gateway.meta.generation;
  plan.refusal = refuse_gateway(gateway, parameters);
  plan.options = parameters.options;
  plan_addresses(gateway, options, grant, plan);
  for (std::size_t i = 0; i < gateway.listeners.size(); ++i) {
    ListenerPlan& listener =
        plan.listeners.emplace_back(plan_listener(gateway, i, plan.addresses, options));
    listener.proxy_protocol = parameters.proxy_protocol_ports.contains(listener.port);
  }
  reject_conflicts_inside(plan);
  return plan;
}

}  // namespace sluice::resolve
