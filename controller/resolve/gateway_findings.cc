#include "controller/resolve/gateway_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace sluice::resolve {

namespace {

// Conflicts are told before anything else is asked about a listener.
const Refusal* conflict_of(const ListenerPlan& listener, const Refusal* lost) {
  return listener.conflict ? &*listener.conflict : lost;
}

// Those that it needs.
bool has_certificates(const ListenerPlan& listener) {
  return !listener.tls || !listener.tls->certificates.empty();
}

ListenerFinding listener_finding(const SettledGateway& gateway, const ListenerPlan& listener,
                                 const RouteCounts& attached) {
  ListenerFinding finding;
  finding.name = listener.key.listener;
  finding.supported_kinds = listener.supported_kinds;
  const auto count = attached.find(listener.key);
  if (count != attached.end()) finding.attached_routes = count->second;
  finding.served = is_served(gateway, listener);
  const Refusal* lost = find_loss(gateway.losses, listener);
  const Refusal* conflict = conflict_of(listener, lost);
  const auto refusal = refusal_of(listener, lost);
  if (refusal) {
    finding.conditions.push_back({"Accepted", false, refusal->reason, refusal->message});
  } else {
    finding.conditions.push_back({"Accepted", true, "Accepted", "The listener is valid"});
  }
  if (listener.unresolved) {
    finding.conditions.push_back(
        {"ResolvedRefs", false, listener.unresolved->reason, listener.unresolved->message});
  } else if (!listener.refusal || listener.refusal->reason != "UnsupportedProtocol") {
    finding.conditions.push_back(
        {"ResolvedRefs", true, "ResolvedRefs", "Every reference leads to an object"});
  }
  if (conflict != nullptr) {
    finding.conditions.push_back({"Conflicted", true, conflict->reason, conflict->message});
  } else {
    finding.conditions.push_back(
        {"Conflicted", false, "NoConflicts", "No other listener claims the same"});
  }
  if (listener.overlap) {
    finding.conditions.push_back(
        {"OverlappingTLSConfig", true, listener.overlap->reason, listener.overlap->message});
  }
  if (finding.served) {
    for (const Socket& socket : listener.sockets) {
      finding.sockets.push_back(socket.text());
    }
    return finding;
  }
  finding.not_programmed_reason = conflict != nullptr ? conflict->reason : "Invalid";
  if (!gateway.plan.refusal && refusal) {
    finding.not_programmed_message = refusal->message;
  } else if (gateway.plan.refusal || !gateway.accepted) {
    finding.not_programmed_message = "The Gateway is not accepted";
  } else if (!has_certificates(listener)) {
    finding.not_programmed_message = "There is no certificate to serve with";
  } else {
    finding.not_programmed_message = "The Gateway has no usable address";
  }
  return finding;
}

// What the listeners of one Gateway or ListenerSet add up to.
struct Sum {
  std::size_t total = 0;
  std::vector<std::string> not_valid;
  std::vector<std::string> unresolved;
};

// Accepted, unless something else than listeners is in its way.
ConditionFinding accepted(model::Kind kind, const Sum& sum) {
  if (sum.not_valid.empty()) {
    return {"Accepted", true, "Accepted", fmt::format("The {} is valid", model::kind_name(kind))};
  }
  const bool some = sum.not_valid.size() < sum.total;
  return {"Accepted", some, "ListenersNotValid",
          fmt::format("{}not accepted: listener {}", some ? "" : "No listener is valid; ",
                      fmt::join(sum.not_valid, ", "))};
}

Sum sum_of(const SettledGateway& gateway) {
  Sum sum;
  for (const ListenerPlan& listener : gateway.plan.listeners) {
    if (!listener.key.is_own()) break;
    ++sum.total;
    const std::string& name = listener.key.listener;
    if (refusal_of(listener, find_loss(gateway.losses, listener))) sum.not_valid.push_back(name);
    if (listener.unresolved) sum.unresolved.push_back(name);
  }
  return sum;
}

// Unlike a Gateway's, the listener of a ListenerSet without a certificate counts as one that is not
// valid: so the conformance tests ask for it.
Sum sum_of(const SettledGateway& gateway, const ListenerSetPlan& set) {
  Sum sum;
  sum.total = set.count;
  for (const ListenerPlan& listener : gateway.plan.listeners_of(set)) {
    const bool refused = refusal_of(listener, find_loss(gateway.losses, listener)).has_value();
    if (refused || !has_certificates(listener)) sum.not_valid.push_back(listener.key.listener);
  }
  return sum;
}

// Accepted of the whole Gateway, from those of its listeners.
ConditionFinding accepted(const GatewayPlan& gateway, const Sum& sum) {
  if (!gateway.refusal) return accepted(model::Kind::kGateway, sum);
  return {"Accepted", false, gateway.refusal->reason, gateway.refusal->message};
}

ConditionFinding accepted(const SettledGateway& gateway, const ListenerSetPlan& set) {
  if (!set.allowed) {
    const Refusal refusal = not_allowed(gateway.plan, set);
    return {"Accepted", false, refusal.reason, refusal.message};
  }
  if (!gateway.accepted) {
    return {"Accepted", false, "ParentNotAccepted",
            fmt::format("Gateway {} is not accepted", gateway.plan.name.text())};
  }
  return accepted(model::Kind::kListenerSet, sum_of(gateway, set));
}

// ResolvedRefs of the whole Gateway, with the listeners whose own is False.
ConditionFinding resolved_refs(const GatewayPlan& gateway,
                               const std::vector<std::string>& unresolved) {
  if (unresolved.empty() && !gateway.unresolved) {
    return {"ResolvedRefs", true, "ResolvedRefs", "Every reference leads to an object"};
  }
  std::vector<std::string> problems;
  if (gateway.unresolved) problems.push_back(gateway.unresolved->message);
  if (!unresolved.empty()) {
    problems.push_back(
        fmt::format("references of listener {} are not resolved", fmt::join(unresolved, ", ")));
  }
  return {"ResolvedRefs", false,
          gateway.unresolved ? gateway.unresolved->reason : "ListenersNotResolved",
          fmt::format("{}", fmt::join(problems, "; "))};
}

}  // namespace

std::optional<Refusal> refusal_of(const ListenerPlan& listener, const Refusal* lost) {
  if (const Refusal* conflict = conflict_of(listener, lost)) return *conflict;
  return listener.refusal;
}

const Refusal* find_loss(const std::map<std::uint16_t, Losses>& losses,
                         const ListenerPlan& listener) {
  const auto at_port = losses.find(listener.port);
  if (at_port == losses.end()) return nullptr;
  const auto loss = at_port->second.find(listener.key);
  return loss == at_port->second.end() ? nullptr : &loss->second;
}

SettledGateway settle(const GatewayPlan& plan, const std::map<std::uint16_t, Losses>& losses) {
  SettledGateway gateway{plan, losses};
  gateway.accepted = accepted(plan, sum_of(gateway)).status;
  return gateway;
}

Refusal not_allowed(const GatewayPlan& gateway, const ListenerSetPlan& set) {
  return {"NotAllowed",
          fmt::format("spec.allowedListeners of Gateway {} allows no ListenerSet of namespace {}",
                      gateway.name.text(), set.name.ns)};
}

bool is_served(const SettledGateway& gateway, const ListenerPlan& listener) {
  return gateway.accepted && !listener.sockets.empty() && has_certificates(listener) &&
         !refusal_of(listener, find_loss(gateway.losses, listener));
}

GatewayFindings gateway_findings(const SettledGateway& gateway, const RouteCounts& attached) {
  const GatewayPlan& plan = gateway.plan;
  GatewayFindings findings;
  for (const ListenerPlan& listener : plan.listeners) {
    if (!listener.key.is_own()) break;
    findings.listeners.push_back(listener_finding(gateway, listener, attached));
  }
  const Sum sum = sum_of(gateway);
  findings.conditions.push_back(accepted(plan, sum));
  if (!gateway.accepted) {
    findings.conditions.push_back({"Programmed", false, "Invalid", "The Gateway is not accepted"});
  } else if (plan.address_problem) {
    findings.conditions.push_back(
        {"Programmed", false, plan.address_problem->reason, plan.address_problem->message});
  }
  findings.conditions.push_back(resolved_refs(plan, sum.unresolved));
  if (plan.insecure_frontend) {
    findings.conditions.push_back({"InsecureFrontendValidationMode", true, "ConfigurationChanged",
                                   "AllowInsecureFallback: clients without a valid certificate "
                                   "are served as well"});
  }
  if (plan.addresses_assigned) findings.conditions.push_back(*plan.addresses_assigned);
  // Those of the pool are the Gateway's own, also while it serves nothing.
  if (!plan.refusal || plan.addresses_assigned) findings.addresses = plan.shown_addresses;
  findings.listens_at = plan.pool_addresses;
  for (const ListenerSetPlan& set : plan.sets) {
    if (accepted(gateway, set).status) ++findings.attached_listener_sets;
  }
  return findings;
}

GatewayFindings listener_set_findings(const SettledGateway& gateway, const ListenerSetPlan& set,
                                      const RouteCounts& attached) {
  GatewayFindings findings;
  const ConditionFinding verdict = accepted(gateway, set);
  findings.conditions.push_back(verdict);
  if (!verdict.status) {
    const bool by_parent = verdict.reason == "ParentNotAccepted";
    findings.conditions.push_back({"Programmed", false,
                                   by_parent ? "ParentNotProgrammed" : verdict.reason,
                                   "The ListenerSet is not accepted"});
  } else if (gateway.plan.address_problem) {
    findings.conditions.push_back(
        {"Programmed", false, "ParentNotProgrammed",
         fmt::format("Gateway {} is not programmed", gateway.plan.name.text())});
  }
  for (const ListenerPlan& listener : gateway.plan.listeners_of(set)) {
    findings.listeners.push_back(listener_finding(gateway, listener, attached));
  }
  return findings;
}

}  // namespace sluice::resolve
