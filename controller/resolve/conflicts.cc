#include "controller/resolve/conflicts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace sluice::resolve {

namespace {

constexpr std::string_view kHostnameConflict = "HostnameConflict";
constexpr std::string_view kProtocolConflict = "ProtocolConflict";

Transport transport_of(ProtocolFamily family) {
  return family == ProtocolFamily::kUdp ? Transport::kUdp : Transport::kTcp;
}

// Listeners of a port are told apart by hostname only where the protocol carries one.
bool has_hostnames(ProtocolFamily family) {
  return family == ProtocolFamily::kHttp || family == ProtocolFamily::kTls;
}

std::string hostname_text(const std::string& hostname) {
  return hostname.empty() ? "no hostname" : "hostname " + hostname;
}

// How two listeners on one port of one transport conflict: "" when they don't.
std::string_view conflict_between(const Claim& a, const Claim& b) {
  if (a.family != b.family || !has_hostnames(a.family)) return kProtocolConflict;
  return a.hostname == b.hostname ? kHostnameConflict : std::string_view();
}

bool on_same_port(const Claim& a, const Claim& b) {
  if (a.family == ProtocolFamily::kUnknown || b.family == ProtocolFamily::kUnknown) return false;
  return a.port == b.port && transport_of(a.family) == transport_of(b.family);
}

// A Gateway without an address has sockets of its own that nobody else can claim.
Claim claim_of(const ListenerPlan& listener) {
  Claim claim{.listener = listener.key,
              .hostname = listener.hostname,
              .port = listener.port,
              .protocol = listener.protocol,
              .family = listener.family,
              .sockets = listener.sockets,
              .proxy_protocol = listener.proxy_protocol};
  if (claim.sockets.empty())
    claim.sockets = {{listener.key.gateway.text(), listener.port, transport_of(listener.family)}};
  return claim;
}

// With others of the same Gateway or ListenerSet; `claim` itself is one of `all`.
std::optional<Refusal> conflict_inside(const Claim& claim, const std::vector<Claim>& all) {
  std::vector<std::string> protocol;
  std::vector<std::string> hostname;
  for (const Claim& other : all) {
    if (&other == &claim || !on_same_port(claim, other)) continue;
    const std::string_view conflict = conflict_between(claim, other);
    if (conflict == kProtocolConflict) {
      protocol.push_back(fmt::format("{} ({})", other.listener.listener, other.protocol));
    } else if (conflict == kHostnameConflict) {
      hostname.push_back(other.listener.listener);
    }
  }
  if (!protocol.empty()) {
    return Refusal{std::string(kProtocolConflict),
                   fmt::format("{} on port {} can't be told apart from listener {}", claim.protocol,
                               claim.port, fmt::join(protocol, ", "))};
  }
  if (!hostname.empty()) {
    return Refusal{std::string(kHostnameConflict),
                   fmt::format("port {} with {} is also that of listener {}", claim.port,
                               hostname_text(claim.hostname), fmt::join(hostname, ", "))};
  }
  return std::nullopt;
}

// As others may hear of it: who has a ListenerSet is no business of theirs.
std::string owner_text(const ListenerKey& listener) {
  if (listener.is_own()) return "listener " + listener.text();
  return fmt::format("a ListenerSet of Gateway {}", listener.gateway.text());
}

}  // namespace

void reject_conflicts_inside(GatewayPlan& plan) {
  std::vector<Claim> claims;
  claims.reserve(plan.listeners.size());
  for (const ListenerPlan& listener : plan.listeners)
    claims.push_back(claim_of(listener));
  for (std::size_t i = 0; i < claims.size(); ++i)
    plan.listeners[i].conflict = conflict_inside(claims[i], claims);
}

std::set<std::uint16_t> PortBook::put(const model::ObjectName& gateway, const GatewayPlan& plan) {
  Entry entry;
  entry.order = {plan.created.value_or(std::numeric_limits<std::int64_t>::max()), gateway.text()};
  if (!plan.refusal) {
    for (const ListenerPlan& listener : plan.listeners) {
      if (listener.conflict || listener.family == ProtocolFamily::kUnknown) continue;
      entry.claims[listener.port].push_back(claim_of(listener));
    }
  }
  return replace(gateway, std::move(entry));
}

std::set<std::uint16_t> PortBook::remove(const model::ObjectName& gateway) {
  return replace(gateway, {});
}

std::set<std::uint16_t> PortBook::replace(const model::ObjectName& gateway, Entry entry) {
  std::set<std::uint16_t> touched;
  const auto known = gateways_.find(gateway);
  const Entry old = known == gateways_.end() ? Entry{} : known->second;
  for (const auto& [port, claims] : old.claims) {
    const auto now = entry.claims.find(port);
    if (now != entry.claims.end() && now->second == claims && entry.order == old.order) continue;
    touched.insert(port);
    const auto at_port = ports_.find(port);
    at_port->second.erase(old.order);
    if (at_port->second.empty()) ports_.erase(at_port);
  }
  for (const auto& [port, claims] : entry.claims) {
    if (!old.claims.contains(port)) touched.insert(port);
    ports_[port].emplace(entry.order, gateway);
  }
  if (entry.claims.empty()) {
    gateways_.erase(gateway);
  } else {
    gateways_.insert_or_assign(gateway, std::move(entry));
  }
  return touched;
}

// Who holds what on one port, while Gateways and their ListenerSets are gone through from the first
// to the last.
struct PortBook::Settlement {
  struct Held {
    ProtocolFamily family = ProtocolFamily::kUnknown;
    bool proxy_protocol = false;
    std::string first;                          // whose listener brought the two
    std::map<std::string, std::string> owners;  // hostname -> the same
  };

  std::map<Socket, Held> sockets;

  std::optional<Refusal> find_conflict(const Claim& claim) const {
    for (const Socket& socket : claim.sockets) {
      const auto held = sockets.find(socket);
      if (held == sockets.end()) continue;
      if (held->second.family != claim.family || !has_hostnames(claim.family)) {
        const bool same = held->second.family == claim.family;
        return Refusal{std::string(kProtocolConflict),
                       fmt::format("{} comes first on {} {}", held->second.first, socket.text(),
                                   same ? "and this protocol has no hostnames to share it by"
                                        : "with another protocol")};
      }
      // What comes before the first byte of a request can't depend on its hostname.
      if (held->second.proxy_protocol != claim.proxy_protocol) {
        return Refusal{
            std::string(kProtocolConflict),
            fmt::format("{} comes first on {} {} the PROXY protocol", held->second.first,
                        socket.text(), held->second.proxy_protocol ? "with" : "without")};
      }
      const auto owner = held->second.owners.find(claim.hostname);
      if (owner != held->second.owners.end()) {
        return Refusal{std::string(kHostnameConflict),
                       fmt::format("{} comes first on {} with {}", owner->second, socket.text(),
                                   hostname_text(claim.hostname))};
      }
    }
    return std::nullopt;
  }

  void hold(const Claim& claim) {
    const std::string owner = owner_text(claim.listener);
    for (const Socket& socket : claim.sockets) {
      Held& held = sockets[socket];
      if (held.first.empty()) {
        held.family = claim.family;
        held.proxy_protocol = claim.proxy_protocol;
        held.first = owner;
      }
      held.owners.emplace(claim.hostname, owner);
    }
  }

  // Of one Gateway or ListenerSet.
  void hold_distinct(const std::vector<Claim>& claims, Losses& losses) {
    for (const Claim& claim : claims) {
      if (auto conflict = conflict_inside(claim, claims)) {
        losses.emplace(claim.listener, *std::move(conflict));
      } else {
        hold(claim);
      }
    }
  }
};

std::map<model::ObjectName, Losses> PortBook::settle(std::uint16_t port) const {
  std::map<model::ObjectName, Losses> result;
  const auto at_port = ports_.find(port);
  if (at_port == ports_.end()) return result;
  Settlement settlement;
  for (const auto& [order, gateway] : at_port->second) {
    Losses& losses = result[gateway];
    const std::vector<Claim>& claims = gateways_.at(gateway).claims.at(port);
    for (auto claim = claims.begin(); claim != claims.end();) {
      const model::ObjectName& set = claim->listener.set;
      std::vector<Claim> kept;
      for (; claim != claims.end() && claim->listener.set == set; ++claim) {
        if (auto conflict = settlement.find_conflict(*claim)) {
          losses.emplace(claim->listener, *std::move(conflict));
        } else {
          kept.push_back(*claim);
        }
      }
      settlement.hold_distinct(kept, losses);
    }
  }
  return result;
}

}  // namespace sluice::resolve
