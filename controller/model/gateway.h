// GatewayClass, Gateway, ListenerSet and ReferenceGrant as their CRDs say, defaults applied.
// Spec: gateway-api v1.7.0 GatewayClass, Gateway, ListenerSet, ReferenceGrant
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/object.h"

namespace sluice::model {

struct ParametersRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> ns;
  bool operator==(const ParametersRef&) const = default;
};

struct GatewayClass {
  Meta meta;
  std::string controller_name;
  std::optional<ParametersRef> parameters_ref;
};

// group/kind allowed on a listener; group defaults to gateway.networking.k8s.io.
struct RouteGroupKind {
  std::string group;
  std::string kind;
  auto operator<=>(const RouteGroupKind&) const = default;
};

enum class FromNamespaces : std::uint8_t { kSame, kAll, kSelector, kNone };

struct SelectorRequirement {
  std::string key;
  std::string op;  // In, NotIn, Exists, DoesNotExist
  std::vector<std::string> values;
  bool operator==(const SelectorRequirement&) const = default;
};

struct LabelSelector {
  Labels match_labels;
  std::vector<SelectorRequirement> match_expressions;
  bool operator==(const LabelSelector&) const = default;
  bool matches(const Labels& labels) const;
};

struct AllowedRoutes {
  FromNamespaces from = FromNamespaces::kSame;
  LabelSelector selector;
  std::vector<RouteGroupKind> kinds;  // empty: what the protocol allows
  bool operator==(const AllowedRoutes&) const = default;
};

// ns: none is that of the object that refers.
struct ObjectRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> ns;
  bool operator==(const ObjectRef&) const = default;
};

struct ListenerTls {
  std::string mode = "Terminate";
  std::vector<ObjectRef> certificate_refs;
  Labels options;
  bool operator==(const ListenerTls&) const = default;
};

struct Listener {
  std::string name;
  std::optional<std::string> hostname;
  std::uint16_t port = 0;
  std::string protocol;  // "HTTP", "HTTPS", ... or anything the CRD lets through
  std::optional<ListenerTls> tls;
  AllowedRoutes allowed_routes;
  bool operator==(const Listener&) const = default;
};

struct GatewayAddress {
  std::string type = "IPAddress";
  std::string value;
  std::string routability = {};  // "": whatever the operator's addresses have
  bool operator==(const GatewayAddress&) const = default;
};

// Which certificates clients must have.
struct ClientValidation {
  std::vector<ObjectRef> ca_certificate_refs;
  bool insecure_fallback = false;  // mode AllowInsecureFallback; else AllowValidOnly
  bool operator==(const ClientValidation&) const = default;
};

// of_port: where a port has an entry it counts, also one that asks for nothing.
struct FrontendTls {
  std::optional<ClientValidation> fallback;  // spec.tls.frontend.default
  std::map<std::uint16_t, std::optional<ClientValidation>> of_port;
  bool operator==(const FrontendTls&) const = default;
};

// Which namespaces may have ListenerSets of a Gateway.
struct AllowedListeners {
  FromNamespaces from = FromNamespaces::kNone;
  LabelSelector selector;
  bool operator==(const AllowedListeners&) const = default;
};

struct Gateway {
  Meta meta;
  std::string class_name;
  std::vector<Listener> listeners;
  std::vector<GatewayAddress> addresses;
  std::optional<ParametersRef> parameters_ref;  // spec.infrastructure.parametersRef
  FrontendTls frontend_tls;
  std::optional<ObjectRef> client_certificate_ref;  // spec.tls.backend
  AllowedListeners allowed_listeners;
};

// Listeners that join those of a Gateway.
struct ListenerSet {
  Meta meta;
  ObjectRef parent;
  std::vector<Listener> listeners;
};

struct GrantFrom {
  std::string group;
  std::string kind;
  std::string ns;
  bool operator==(const GrantFrom&) const = default;
};

struct GrantTo {
  std::string group;
  std::string kind;
  std::optional<std::string> name;
  bool operator==(const GrantTo&) const = default;
};

struct ReferenceGrant {
  Meta meta;
  std::vector<GrantFrom> from;
  std::vector<GrantTo> to;
};

}  // namespace sluice::model
