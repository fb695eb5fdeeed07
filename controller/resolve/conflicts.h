// Listeners that can't be told apart.
//
// Inside one Gateway or ListenerSet every listener that conflicts is rejected: the API knows no
// winner there. Between them the first one keeps what a later one also claims: a Gateway comes
// before its ListenerSets, these come in their order in the plan, and of Gateways that share a
// socket the oldest is the first, then that by "namespace/name".
//
// Process: controller.   Pure.   Cost of settle(): O(listeners on that port).
// Spec: gateway-api v1 GatewaySpec.listeners (distinct listeners), ListenerConditionConflicted
// Tested by: test/unit/controller/resolve/conflicts_test.cc, test/golden
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/model/object.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// What a listener must be alone with to be told apart from others.
struct Claim {
  ListenerKey listener;
  std::string hostname;
  std::uint16_t port = 0;
  std::string protocol;
  ProtocolFamily family = ProtocolFamily::kUnknown;
  std::vector<Socket> sockets;
  bool proxy_protocol = false;
  bool operator==(const Claim&) const = default;
};

// Sets ListenerPlan::conflict of the listeners that conflict with others of the same Gateway.
// REQUIRES: the plan has no others yet than the Gateway's own.
void reject_conflicts_inside(GatewayPlan& plan);

// What a listener loses to others that come before it.
using Losses = std::map<ListenerKey, Refusal>;

// Every Gateway's claims to its sockets, by listener port.
class PortBook {
 public:
  // Replaces a Gateway's claims; a plan that is not accepted claims nothing. Returns the ports
  // where anything changed, which must be settled.
  std::set<std::uint16_t> put(const model::ObjectName& gateway, const GatewayPlan& plan);
  std::set<std::uint16_t> remove(const model::ObjectName& gateway);

  // What each Gateway with a claim at `port` loses there.
  std::map<model::ObjectName, Losses> settle(std::uint16_t port) const;

 private:
  // Smaller comes first and wins.
  struct Order {
    std::int64_t created = 0;
    std::string text;  // "namespace/name"
    auto operator<=>(const Order&) const = default;
  };

  struct Entry {
    Order order;
    std::map<std::uint16_t, std::vector<Claim>> claims;  // in the order of the plan
  };

  struct Settlement;

  std::set<std::uint16_t> replace(const model::ObjectName& gateway, Entry entry);

  std::map<model::ObjectName, Entry> gateways_;
  std::map<std::uint16_t, std::map<Order, model::ObjectName>> ports_;
};

}  // namespace sluice::resolve
