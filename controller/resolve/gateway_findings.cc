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

ListenerFinding listener_finding(const GatewayPlan& gateway, const ListenerPlan& listener,
                                 const Refusal* lost) {
  ListenerFinding finding;
  finding.name = listener.name;
  finding.supported_kinds = listener.supported_kinds;
  finding.served = is_served(gateway, listener, lost);
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
  if (gateway.refusal) {
    finding.not_programmed_message = "The Gateway is not accepted";
  } else if (refusal) {
    finding.not_programmed_message = refusal->message;
  } else if (!has_certificates(listener)) {
    finding.not_programmed_message = "There is no certificate to serve with";
  } else {
    finding.not_programmed_message = "The Gateway has no usable address";
  }
  return finding;
}

// Accepted of the whole Gateway, from those of its listeners.
ConditionFinding accepted(const GatewayPlan& gateway, const std::vector<std::string>& refused) {
  if (gateway.refusal) {
    return {"Accepted", false, gateway.refusal->reason, gateway.refusal->message};
  }
  if (refused.empty()) return {"Accepted", true, "Accepted", "The Gateway is valid"};
  const bool some = refused.size() < gateway.listeners.size();
  return {"Accepted", some, "ListenersNotValid",
          fmt::format("{}not accepted: listener {}", some ? "" : "No listener is valid; ",
                      fmt::join(refused, ", "))};
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

bool is_served(const GatewayPlan& gateway, const ListenerPlan& listener, const Refusal* lost) {
  return !gateway.refusal && !listener.sockets.empty() && !refusal_of(listener, lost) &&
         has_certificates(listener);
}

const Refusal* find_loss(const std::map<std::uint16_t, Losses>& losses,
                         const ListenerPlan& listener) {
  const auto at_port = losses.find(listener.port);
  if (at_port == losses.end()) return nullptr;
  const auto loss = at_port->second.find(listener.name);
  return loss == at_port->second.end() ? nullptr : &loss->second;
}

GatewayFindings gateway_findings(const GatewayPlan& gateway,
                                 const std::map<std::uint16_t, Losses>& losses,
                                 const std::map<std::string, std::uint32_t>& attached) {
  GatewayFindings findings;
  std::vector<std::string> refused;
  std::vector<std::string> unresolved;
  for (const ListenerPlan& listener : gateway.listeners) {
    const Refusal* lost = find_loss(losses, listener);
    ListenerFinding& finding =
        findings.listeners.emplace_back(listener_finding(gateway, listener, lost));
    const auto count = attached.find(listener.name);
    if (count != attached.end()) finding.attached_routes = count->second;
    if (refusal_of(listener, lost)) refused.push_back(listener.name);
    if (listener.unresolved) unresolved.push_back(listener.name);
  }
  const ConditionFinding verdict = accepted(gateway, refused);
  findings.conditions.push_back(verdict);
  if (!verdict.status) {
    findings.conditions.push_back({"Programmed", false, "Invalid", "The Gateway is not accepted"});
  } else if (gateway.address_problem) {
    findings.conditions.push_back(
        {"Programmed", false, gateway.address_problem->reason, gateway.address_problem->message});
  }
  findings.conditions.push_back(resolved_refs(gateway, unresolved));
  if (gateway.insecure_frontend) {
    findings.conditions.push_back({"InsecureFrontendValidationMode", true, "ConfigurationChanged",
                                   "AllowInsecureFallback: clients without a valid certificate "
                                   "are served as well"});
  }
  if (gateway.addresses_assigned) findings.conditions.push_back(*gateway.addresses_assigned);
  // Those of the pool are the Gateway's own, also while it serves nothing.
  if (!gateway.refusal || gateway.addresses_assigned) findings.addresses = gateway.shown_addresses;
  findings.listens_at = gateway.pool_addresses;
  return findings;
}

}  // namespace sluice::resolve
