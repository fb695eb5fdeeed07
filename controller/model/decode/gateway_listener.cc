// spec.listeners of a Gateway or ListenerSet, whose CRDs have the same rules.
// Spec: gateway-api v1.7.0 standard CRDs gateways and listenersets.gateway.networking.k8s.io
#include <fmt/format.h>

#include <array>
#include <map>
#include <tuple>

#include "controller/model/decode/gateway_parts.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr TextRule kProtocol = {
    .min = 1,
    .max = 255,
    .valid = is_protocol,
    .expected = "HTTP, HTTPS, TLS, TCP, UDP or a name with a domain such as \"example.com/bar\""};
constexpr std::array<std::string_view, 2> kTlsModes = {"Terminate", "Passthrough"};
constexpr TextRule kTlsMode = {.choices = kTlsModes};
constexpr MapRule kTlsOptions = {.max = 16, .value = {.max = 4096}};
constexpr std::array<std::string_view, 3> kRouteSources = {"All", "Selector", "Same"};
constexpr TextRule kAllowedRoutesFrom = {.choices = kRouteSources};
constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

ListenerTls read_tls(FieldReader& reader) {
  ListenerTls tls;
  tls.mode = reader.text_or("mode", tls.mode, kTlsMode);
  reader.list("certificateRefs", Need::kOptional, {.max = 64},
              [&](FieldReader& ref) { tls.certificate_refs.push_back(read_secret_ref(ref)); });
  tls.options = reader.text_map("options", kTlsOptions);
  if (tls.mode == "Terminate" && tls.certificate_refs.empty() && tls.options.empty()) {
    reader.refuse("mode Terminate needs certificateRefs or options, found neither");
  }
  return tls;
}

AllowedRoutes read_allowed_routes(FieldReader& reader) {
  AllowedRoutes allowed;
  reader.object("namespaces", Need::kDefaulted, [&](FieldReader& namespaces) {
    allowed.from = read_namespaces(namespaces, "Same", kAllowedRoutesFrom, allowed.selector);
  });
  reader.list("kinds", Need::kOptional, {.max = 8}, [&](FieldReader& kind) {
    allowed.kinds.push_back({.group = kind.text_or("group", kGatewayGroup, kGroup),
                             .kind = kind.required_text("kind", kKindName)});
  });
  return allowed;
}

Listener read_listener(FieldReader& reader) {
  Listener listener;
  listener.name = reader.required_text("name", kDnsSubdomain);
  listener.hostname = reader.text("hostname", kHostname);
  listener.port = reader.port("port", Need::kRequired).value_or(0);
  listener.protocol = reader.required_text("protocol", kProtocol);
  reader.object("tls", Need::kOptional, [&](FieldReader& tls) { listener.tls = read_tls(tls); });
  reader.object("allowedRoutes", Need::kDefaulted, [&](FieldReader& allowed) {
    listener.allowed_routes = read_allowed_routes(allowed);
  });
  return listener;
}

// What is wrong with a listener's protocol together with its other fields, or "".
std::string protocol_problem(const Listener& listener) {
  const bool layer_four = listener.protocol == "TCP" || listener.protocol == "UDP";
  if (listener.tls && (layer_four || listener.protocol == "HTTP")) {
    return fmt::format("tls must not be specified for protocol {}", listener.protocol);
  }
  if (listener.tls && listener.protocol == "HTTPS" && listener.tls->mode != "Terminate") {
    return fmt::format("found tls mode {} with protocol HTTPS; valid is Terminate",
                       listener.tls->mode);
  }
  if (!listener.tls && listener.protocol == "TLS") {
    return "tls with a mode must be set for protocol TLS";
  }
  if (listener.hostname && layer_four) {
    return fmt::format("hostname must not be specified for protocol {}", listener.protocol);
  }
  return "";
}

void check_listeners(FieldReader& spec, const std::vector<Listener>& listeners) {
  using Identity = std::tuple<std::uint16_t, std::string, std::optional<std::string>>;
  std::vector<std::string> names;
  std::map<Identity, std::size_t> identities;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const Listener& listener = listeners[i];
    names.push_back(listener.name);
    const std::string problem = protocol_problem(listener);
    if (!problem.empty()) spec.refuse("listeners", fmt::format("listeners[{}]: {}", i, problem));
    if (listener.port == 0 || listener.protocol.empty()) continue;
    const auto [first, is_new] =
        identities.emplace(Identity{listener.port, listener.protocol, listener.hostname}, i);
    if (is_new) continue;
    spec.refuse("listeners", fmt::format("listeners[{}] and listeners[{}] have the same port, "
                                         "protocol and hostname; valid is a unique combination",
                                         first->second, i));
  }
  spec.refuse_repeated("listeners", names);
}

}  // namespace

FromNamespaces read_namespaces(FieldReader& reader, std::string_view fallback, const TextRule& rule,
                               LabelSelector& selector) {
  const std::string from = reader.text_or("from", fallback, rule);
  const std::optional<LabelSelector> given = decode_label_selector(reader, "selector");
  if (given) selector = *given;
  if (from == "All") return FromNamespaces::kAll;
  if (from == "Same") return FromNamespaces::kSame;
  if (from != "Selector") return FromNamespaces::kNone;
  if (given) return FromNamespaces::kSelector;
  reader.warn("selector", "missing, so that no namespace is selected");
  return FromNamespaces::kNone;
}

std::vector<Listener> read_listeners(FieldReader& spec) {
  std::vector<Listener> listeners;
  spec.list("listeners", Need::kRequired, {.min = 1, .max = 64},
            [&](FieldReader& listener) { listeners.push_back(read_listener(listener)); });
  check_listeners(spec, listeners);
  return listeners;
}

}  // namespace sluice::model
