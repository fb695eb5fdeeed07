// What one GatewayClass says for itself, and one Gateway with the ListenerSets that join it, before
// other Gateways are looked at.
//
// Process: controller.   Pure.
// Spec: gateway-api v1 GatewaySpec, Listener, AllowedRoutes, ListenerSetSpec
// Tested by: test/golden
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "controller/model/gateway.h"
#include "controller/model/installed_api.h"
#include "controller/resolve/address_book.h"
#include "controller/resolve/finding.h"
#include "controller/resolve/parameters.h"
#include "controller/resolve/refusal.h"
#include "controller/resolve/resolve.h"

namespace sluice::resolve {

// Protocols that can share a port when their hostnames differ are one family.
enum class ProtocolFamily : std::uint8_t { kUnknown, kHttp, kTls, kTcp, kUdp };

struct ListenerPlan {
  ListenerKey key;
  std::string hostname;  // "" = any
  std::uint16_t port = 0;
  std::string protocol;
  ProtocolFamily family = ProtocolFamily::kUnknown;
  ListenerMode mode = ListenerMode::kHttp;
  std::vector<std::string> supported_kinds;
  model::FromNamespaces from = model::FromNamespaces::kSame;
  model::LabelSelector selector;
  std::vector<Socket> sockets;          // sorted; empty when the port or every address is unusable
  std::optional<Refusal> conflict;      // of a Gateway's own with another of its own
  std::optional<Refusal> refusal;       // Accepted=False for a reason of its own
  std::optional<Refusal> unresolved;    // ResolvedRefs=False
  std::optional<Refusal> overlap;       // OverlappingTLSConfig=True
  std::optional<ServedTls> tls;         // where TLS ends; without certificates it is not served
  bool proxy_protocol = false;          // connections begin with its header
  bool backend_proxy_protocol = false;  // those to backends do
};

// A ListenerSet that wants to join the Gateway.
struct ListenerSetPlan {
  model::ObjectName name;
  std::int64_t generation = 1;
  bool allowed = false;
  std::size_t first = 0;  // its listeners in GatewayPlan::listeners; none unless allowed
  std::size_t count = 0;
};

struct GatewayPlan {
  model::ObjectName name;
  std::optional<std::int64_t> created;
  std::int64_t generation = 1;
  std::optional<Refusal> refusal;          // the whole Gateway is not accepted
  std::optional<Refusal> address_problem;  // Programmed=False
  // With a pool of addresses, or when a routability is asked for.
  std::optional<ConditionFinding> addresses_assigned;
  std::optional<Refusal> unresolved;  // ResolvedRefs=False for a reason of its own
  std::optional<ServedCertificate> client_certificate;  // what backends behind TLS see
  bool insecure_frontend = false;           // a listener lets clients without a good certificate in
  std::vector<std::string> addresses;       // to listen on, in spec order
  std::vector<std::string> pool_addresses;  // those of them that a pool gave, in use or not
  std::vector<AddressFinding> shown_addresses;  // status.addresses
  // Its own in spec order, then those of the ListenerSets in their order.
  std::vector<ListenerPlan> listeners;
  std::vector<ListenerSetPlan> sets;  // the order in which they join
  ServedOptions options;
  std::set<std::uint16_t> proxy_protocol_ports;
  std::set<std::uint16_t> backend_proxy_protocol_ports;

  std::span<const ListenerPlan> listeners_of(const ListenerSetPlan& set) const {
    return std::span(listeners).subspan(set.first, set.count);
  }
};

// `grant`: of the pool; null: there is none.
GatewayPlan plan_gateway(const model::Gateway& gateway, const Parameters& parameters,
                         const Options& options, const AddressGrant* grant = nullptr);

// Appends the listeners of `owner`, the Gateway or a ListenerSet. Returns the new ones.
std::span<ListenerPlan> plan_listeners(const model::ObjectKey& owner,
                                       std::span<const model::Listener> listeners,
                                       const Options& options, GatewayPlan& plan);

// `refusal`: of the class's parameters. `api`: none without an API server.
ClassFindings class_findings(const std::optional<Refusal>& refusal,
                             const std::optional<model::InstalledApi>& api, const Options& options);

}  // namespace sluice::resolve
