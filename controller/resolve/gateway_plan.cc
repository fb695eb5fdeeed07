#include "controller/resolve/gateway_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>

#include "controller/resolve/conflicts.h"
#include "controller/resolve/features.h"
#include "controller/resolve/gateway_addresses.h"

namespace sluice::resolve {

namespace {

constexpr std::string_view kRouteGroup = "gateway.networking.k8s.io";
using Kinds = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> kHttpKinds = {"HTTPRoute", "GRPCRoute"};
constexpr std::array<std::string_view, 1> kTlsKinds = {"TLSRoute"};
constexpr std::array<std::string_view, 1> kTcpKinds = {"TCPRoute"};
constexpr std::array<std::string_view, 1> kUdpKinds = {"UDPRoute"};
constexpr std::uint32_t kMaxPort = 65535;

ProtocolFamily family_of(std::string_view protocol) {
  if (protocol == "HTTP") return ProtocolFamily::kHttp;
  if (protocol == "HTTPS" || protocol == "TLS") return ProtocolFamily::kTls;
  if (protocol == "TCP") return ProtocolFamily::kTcp;
  if (protocol == "UDP") return ProtocolFamily::kUdp;
  return ProtocolFamily::kUnknown;
}

ListenerMode mode_of(const model::Listener& listener) {
  if (listener.protocol == "TCP") return ListenerMode::kTcp;
  if (listener.protocol == "UDP") return ListenerMode::kUdp;
  if (listener.protocol != "TLS") return ListenerMode::kHttp;
  const bool passes = listener.tls && listener.tls->mode == "Passthrough";
  return passes ? ListenerMode::kTlsPassthrough : ListenerMode::kTlsTerminate;
}

bool relays_connections(ListenerMode mode) {
  return mode != ListenerMode::kHttp && mode != ListenerMode::kUdp;
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
  return std::nullopt;
}

// The kinds of routes that belong to the listener's protocol.
Kinds kinds_of(const ListenerPlan& listener) {
  if (listener.family == ProtocolFamily::kUnknown) return {};
  switch (listener.mode) {
    case ListenerMode::kHttp:
      return kHttpKinds;
    case ListenerMode::kTlsPassthrough:
    case ListenerMode::kTlsTerminate:
      return kTlsKinds;
    case ListenerMode::kTcp:
      return kTcpKinds;
    case ListenerMode::kUdp:
      return kUdpKinds;
  }
  return {};
}

// Fills in the kinds of routes that the listener takes.
void plan_kinds(const model::Listener& listener, std::size_t index, ListenerPlan& plan) {
  const Kinds known = kinds_of(plan);
  std::vector<std::string> invalid;
  std::set<std::string_view> wanted;
  for (const model::RouteGroupKind& kind : listener.allowed_routes.kinds) {
    const auto found = std::ranges::find(known, kind.kind);
    if (kind.group == kRouteGroup && found != known.end()) {
      wanted.insert(*found);
    } else {
      invalid.push_back(fmt::format("{}/{}", kind.group, kind.kind));
    }
  }
  for (const std::string_view kind : known) {
    const bool takes = listener.allowed_routes.kinds.empty() || wanted.contains(kind);
    if (takes) plan.supported_kinds.emplace_back(kind);
  }
  if (!invalid.empty() && !known.empty()) {
    plan.unresolved = {
        "InvalidRouteKinds",
        fmt::format("spec.listeners[{}].allowedRoutes.kinds: {} can't be attached to a listener of "
                    "protocol {}; {} of group {} can",
                    index, fmt::join(invalid, ", "), plan.protocol, fmt::join(known, " and "),
                    kRouteGroup)};
  }
}

std::optional<Refusal> refuse_listener(std::size_t index, const ListenerPlan& plan,
                                       const Options& options) {
  if (plan.family == ProtocolFamily::kUnknown) {
    return Refusal{"UnsupportedProtocol",
                   fmt::format("spec.listeners[{}].protocol: \"{}\" is not a protocol that Sluice "
                               "knows; HTTP, HTTPS, TLS, TCP and UDP are",
                               index, plan.protocol)};
  }
  if (std::uint32_t{plan.port} + options.port_offset > kMaxPort) {
    return Refusal{"PortUnavailable",
                   fmt::format("spec.listeners[{}].port: {} plus the port offset {} is above {}",
                               index, plan.port, options.port_offset, kMaxPort)};
  }
  return std::nullopt;
}

void plan_sockets(const std::vector<std::string>& addresses, const Options& options,
                  ListenerPlan& plan) {
  const std::uint32_t open_port = std::uint32_t{plan.port} + options.port_offset;
  if (open_port > kMaxPort) return;
  const bool udp = plan.mode == ListenerMode::kUdp;
  for (const std::string& address : addresses) {
    plan.sockets.push_back(
        {address, static_cast<std::uint16_t>(open_port), udp ? Transport::kUdp : Transport::kTcp});
  }
  std::ranges::sort(plan.sockets);
}

}  // namespace

ClassFindings class_findings(const std::optional<Refusal>& refusal,
                             const std::optional<model::InstalledApi>& api,
                             const Options& options) {
  ClassFindings findings;
  if (refusal) {
    findings.conditions.push_back({"Accepted", false, refusal->reason, refusal->message});
  } else {
    findings.conditions.push_back(
        {"Accepted", true, "Accepted", "Gateways of this class are served"});
  }
  findings.conditions.push_back(supported_version(api));
  findings.supported_features = supported_features(api, options);
  return findings;
}

GatewayPlan plan_gateway(const model::Gateway& gateway, const Parameters& parameters,
                         const Options& options, const AddressGrant* grant) {
  GatewayPlan plan;
  plan.name = gateway.meta.name;
  plan.created = gateway.meta.created;
  plan.generation = gateway.meta.generation;
  plan.refusal = refuse_gateway(gateway, parameters);
  plan.options = parameters.options;
  plan.proxy_protocol_ports = parameters.proxy_protocol_ports;
  plan.backend_proxy_protocol_ports = parameters.backend_proxy_protocol_ports;
  plan_addresses(gateway, options, grant, plan);
  plan_listeners({model::Kind::kGateway, plan.name}, gateway.listeners, options, plan);
  reject_conflicts_inside(plan);
  return plan;
}

std::span<ListenerPlan> plan_listeners(const model::ObjectKey& owner,
                                       std::span<const model::Listener> listeners,
                                       const Options& options, GatewayPlan& plan) {
  const std::size_t first = plan.listeners.size();
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const model::Listener& listener = listeners[i];
    ListenerPlan& planned = plan.listeners.emplace_back();
    planned.key = {plan.name, listener.name};
    if (owner.kind == model::Kind::kListenerSet) planned.key.set = owner.name;
    planned.hostname = listener.hostname.value_or("");
    planned.port = listener.port;
    planned.protocol = listener.protocol;
    planned.family = family_of(listener.protocol);
    planned.mode = mode_of(listener);
    planned.from = listener.allowed_routes.from;
    planned.selector = listener.allowed_routes.selector;
    planned.proxy_protocol =
        planned.mode != ListenerMode::kUdp && plan.proxy_protocol_ports.contains(listener.port);
    planned.backend_proxy_protocol = relays_connections(planned.mode) &&
                                     plan.backend_proxy_protocol_ports.contains(listener.port);
    plan_kinds(listener, i, planned);
    planned.refusal = refuse_listener(i, planned, options);
    plan_sockets(plan.addresses, options, planned);
  }
  return std::span(plan.listeners).subspan(first);
}

}  // namespace sluice::resolve
