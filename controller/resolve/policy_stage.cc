#include "controller/resolve/policy_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "controller/resolve/trust_source.h"

namespace sluice::resolve {

namespace {

using model::BackendTlsPolicy;
using model::Kind;
using model::ObjectKey;
using model::ObjectName;

// What a policy's references to certificates lead to.
struct Anchors {
  std::string pem;  // of the good ones
  std::string reason;
  std::vector<std::string> problems;
};

std::optional<ObjectKey> target_key(const model::PolicyTarget& target, const std::string& ns) {
  const auto kind = model::find_kind(target.group, target.kind);
  if (kind != Kind::kService && kind != Kind::kBackend) return std::nullopt;
  return ObjectKey{*kind, {ns, target.name}};
}

// Of a policy that is gone: none.
std::set<ObjectKey> targets_of(const BackendTlsPolicy* policy) {
  std::set<ObjectKey> targets;
  if (policy == nullptr) return targets;
  for (const model::PolicyTarget& target : policy->targets) {
    if (const auto key = target_key(target, policy->meta.name.ns)) targets.insert(*key);
  }
  return targets;
}

bool has_target(const BackendTlsPolicy& policy, const ObjectKey& target,
                const std::string& section) {
  return std::ranges::any_of(policy.targets, [&](const model::PolicyTarget& candidate) {
    return candidate.section_name.value_or("") == section &&
           target_key(candidate, policy.meta.name.ns) == target;
  });
}

auto order_of(const BackendTlsPolicy& policy) {
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  return std::tuple(policy.meta.created.value_or(kLast), policy.meta.name.text());
}

const BackendTlsPolicy* find_policy(const ObjectName& name, const model::Store& store) {
  return store.find<BackendTlsPolicy>(Kind::kBackendTlsPolicy, name);
}

std::optional<ObjectKey> source_of(const model::CaCertificateRef& ref,
                                   const BackendTlsPolicy& policy) {
  return trust_source(ref.group, ref.kind, policy.meta.name.ns, ref.name);
}

// Existing or not. Of a policy that is gone: none.
std::set<ObjectKey> sources_of(const BackendTlsPolicy* policy) {
  std::set<ObjectKey> sources;
  if (policy == nullptr) return sources;
  for (const model::CaCertificateRef& ref : policy->ca_certificate_refs) {
    if (const auto source = source_of(ref, *policy)) sources.insert(*source);
  }
  return sources;
}

Anchors find_anchors(const BackendTlsPolicy& policy, const model::Store& store) {
  Anchors anchors;
  for (std::size_t i = 0; i < policy.ca_certificate_refs.size(); ++i) {
    const model::CaCertificateRef& ref = policy.ca_certificate_refs[i];
    const auto source = source_of(ref, policy);
    const bool known = source && store.serves(source->kind);
    certificates::CheckedAnchors found;
    if (known) {
      found = read_trust_source(*source, store);
    } else {
      found.problem = unknown_trust_source(ref.group, ref.kind, source);
    }
    anchors.pem += found.pem;
    if (found.problem.empty()) continue;
    if (!known || anchors.reason.empty()) {
      anchors.reason = known ? "InvalidCACertificateRef" : "InvalidKind";
    }
    anchors.problems.push_back(
        fmt::format("spec.validation.caCertificateRefs[{}]: {}", i, found.problem));
  }
  return anchors;
}

std::string options_problem(const BackendTlsPolicy& policy) {
  if (policy.options.empty()) return "";
  return fmt::format("spec.options: {} is not an option of Sluice; there are none",
                     policy.options.begin()->first);
}

bool is_usable(const BackendTlsPolicy& policy, const Anchors& anchors) {
  return (policy.system_certificates || !anchors.pem.empty()) && policy.options.empty();
}

ConditionFinding accepted(const BackendTlsPolicy& policy, const Anchors& anchors, bool lost) {
  if (lost) {
    return {"Accepted", false, "Conflicted",
            "An older policy, or one that comes first by name, has the same target"};
  }
  if (!policy.system_certificates && anchors.pem.empty()) {
    return {"Accepted", false, "NoValidCACertificate", join_problems(anchors.problems)};
  }
  if (!policy.options.empty()) return {"Accepted", false, "Invalid", options_problem(policy)};
  return {"Accepted", true, "Accepted", "Connections to the backend follow the policy"};
}

ConditionFinding resolved_refs(const Anchors& anchors) {
  if (anchors.problems.empty()) {
    return {"ResolvedRefs", true, "ResolvedRefs", "Every reference leads to certificates"};
  }
  return {"ResolvedRefs", false, anchors.reason, join_problems(anchors.problems)};
}

model::ParentRef ancestor_ref(const ObjectName& gateway) {
  model::ParentRef ref;
  ref.group = model::kind_group(Kind::kGateway);
  ref.kind = model::kind_name(Kind::kGateway);
  ref.ns = gateway.ns;
  ref.name = gateway.name;
  return ref;
}

std::string port_name(const BackendKey& backend, const model::Store& store) {
  const auto* const service = store.find<model::Service>(Kind::kService, backend.object.name);
  if (backend.object.kind != Kind::kService || service == nullptr) return "";
  const auto found = std::ranges::find_if(service->ports, [&](const model::ServicePort& port) {
    return port.port == backend.port && port.protocol == "TCP";
  });
  return found == service->ports.end() ? "" : found->name;
}

}  // namespace

void PolicyStage::on_change(const ObjectKey& key) {
  if (key.kind == Kind::kBackendTlsPolicy) {
    touched_.insert(key.name);
    return;
  }
  const auto& policies = policies_by_source_.dependents_of(key);
  touched_.insert(policies.begin(), policies.end());
}

void PolicyStage::on_api(const model::Store& store) {
  for (const auto& [name, policy] : store.all(Kind::kBackendTlsPolicy))
    touched_.insert(name);
}

void PolicyStage::use(const ObjectName& gateway, const ObjectKey& target) {
  if (++users_[target][gateway] == 1) touch_policies_of(target);
}

void PolicyStage::release(const ObjectName& gateway, const ObjectKey& target) {
  const auto users = users_.find(target);
  const auto count = users->second.find(gateway);
  if (--count->second > 0) return;
  users->second.erase(count);
  if (users->second.empty()) users_.erase(users);
  touch_policies_of(target);
}

void PolicyStage::touch_policies_of(const ObjectKey& target) {
  const auto& policies = policies_by_target_.dependents_of(target);
  untold_.insert(policies.begin(), policies.end());
}

void PolicyStage::touch_targets_of(const ObjectName& policy, std::set<ObjectKey>& targets) {
  for (const ObjectKey& target : policies_by_target_.targets_of(policy)) {
    touch_policies_of(target);
    targets.insert(target);
  }
}

std::set<ObjectKey> PolicyStage::update(const model::Store& store) {
  std::set<ObjectKey> changed;
  for (const ObjectName& name : std::exchange(touched_, {})) {
    const BackendTlsPolicy* const policy = find_policy(name, store);
    touch_targets_of(name, changed);
    policies_by_target_.set(name, targets_of(policy));
    policies_by_source_.set(name, sources_of(policy));
    touch_targets_of(name, changed);
    untold_.insert(name);
  }
  return changed;
}

const BackendTlsPolicy* PolicyStage::winner(const ObjectKey& target, const Section& section,
                                            const model::Store& store) const {
  const BackendTlsPolicy* best = nullptr;
  for (const ObjectName& name : policies_by_target_.dependents_of(target)) {
    const BackendTlsPolicy* const policy = find_policy(name, store);
    if (policy == nullptr || !has_target(*policy, target, section)) continue;
    if (best == nullptr || order_of(*policy) < order_of(*best)) best = policy;
  }
  return best;
}

std::optional<ServedBackendTls> PolicyStage::tls_of(const BackendKey& backend,
                                                    const model::Store& store) const {
  if (backend.transport == Transport::kUdp) return std::nullopt;
  if (policies_by_target_.dependents_of(backend.object).empty()) return std::nullopt;
  const std::string section = port_name(backend, store);
  const BackendTlsPolicy* policy =
      section.empty() ? nullptr : winner(backend.object, section, store);
  if (policy == nullptr) policy = winner(backend.object, "", store);
  if (policy == nullptr) return std::nullopt;
  Anchors anchors = find_anchors(*policy, store);
  ServedBackendTls tls;
  tls.usable = is_usable(*policy, anchors);
  tls.system_certificates = policy->system_certificates;
  tls.hostname = policy->hostname;
  tls.subject_alt_names = policy->subject_alt_names;
  tls.ca_certificates = std::move(anchors.pem);
  return tls;
}

std::map<ObjectName, bool> PolicyStage::ancestors_of(const BackendTlsPolicy& policy,
                                                     const model::Store& store) const {
  std::map<ObjectName, bool> ancestors;
  for (const model::PolicyTarget& target : policy.targets) {
    const auto key = target_key(target, policy.meta.name.ns);
    if (!key) continue;
    const auto users = users_.find(*key);
    if (users == users_.end()) continue;
    const bool lost = winner(*key, target.section_name.value_or(""), store) != &policy;
    for (const auto& [gateway, routes] : users->second) {
      const auto [known, is_new] = ancestors.try_emplace(gateway, lost);
      if (!is_new) known->second = known->second && lost;
    }
  }
  return ancestors;
}

void PolicyStage::publish_findings(const model::Store& store, FindingBook& book, Delta& delta) {
  for (const ObjectName& name : std::exchange(untold_, {})) {
    const ObjectKey key{Kind::kBackendTlsPolicy, name};
    const BackendTlsPolicy* const policy = find_policy(name, store);
    RouteFindings findings;
    if (policy != nullptr) {
      const Anchors anchors = find_anchors(*policy, store);
      for (const auto& [gateway, lost] : ancestors_of(*policy, store)) {
        findings.parents.push_back(
            {ancestor_ref(gateway), {accepted(*policy, anchors, lost), resolved_refs(anchors)}});
      }
    }
    if (findings.parents.empty()) {
      book.remove(key, delta);
    } else {
      book.put({key, policy->meta.generation, std::move(findings)}, delta);
    }
  }
}

}  // namespace sluice::resolve
