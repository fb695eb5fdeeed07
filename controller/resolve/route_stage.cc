#include "controller/resolve/route_stage.h"

#include <utility>

#include "controller/resolve/namespaces.h"
#include "controller/resolve/route_rules.h"

namespace sluice::resolve {

using model::Kind;
using model::ObjectKey;
using model::ObjectName;

namespace {

// The Gateway or ListenerSet that a parentRef names; none for parents of another kind.
std::optional<ObjectKey> parent_of(const model::ParentRef& ref, const ObjectName& route) {
  const auto kind = model::find_kind(ref.group, ref.kind);
  if (kind != Kind::kGateway && kind != Kind::kListenerSet) return std::nullopt;
  return ObjectKey{*kind, {ref.ns.value_or(route.ns), ref.name}};
}

// One attachment per listener, whatever number of parentRefs lead to it.
void add_attachments(const ParentOutcome& outcome, std::set<ListenerKey>& counted,
                     std::map<ListenerKey, Attachment>& served) {
  for (const AttachedListener& attached : outcome.listeners) {
    const ListenerKey& key = attached.listener;
    counted.insert(key);
    if (attached.served) served.try_emplace(key, Attachment{key, attached.hostnames});
  }
}

// What passes through is secured from end to end: a policy is for what begins here.
void add_securing(const ParentOutcome& outcome, std::set<ObjectName>& securing) {
  for (const AttachedListener& attached : outcome.listeners) {
    if (attached.mode != ListenerMode::kTlsPassthrough) {
      securing.insert(attached.listener.gateway);
    }
  }
}

}  // namespace

void RouteStage::on_change(const ObjectKey& key) {
  if (is_route(key.kind)) {
    touched_.insert(key);
    return;
  }
  const bool any = key.kind == Kind::kReferenceGrant || key.kind == Kind::kBackendTlsPolicy;
  const ObjectKey wanted = any ? any_of(key.kind, key.name.ns) : key;
  const auto& routes = routes_by_dependency_.dependents_of(wanted);
  touched_.insert(routes.begin(), routes.end());
}

void RouteStage::update(Stages stages) {
  for (const ObjectKey& key : std::exchange(touched_, {})) {
    update_route(key, stages);
  }
}

void RouteStage::update_route(const ObjectKey& key, Stages& stages) {
  const auto known = routes_.find(key);
  const Told before = known == routes_.end() ? Told{} : std::move(known->second);
  Told next;
  next.route = stages.store.share(key);
  RouteFindings findings;
  std::set<ObjectKey> dependencies;
  if (next.route != nullptr) {
    const RouteView route = view_route(*next.route);
    RouteBackends backends = resolve_backends(route, stages.store);
    next.unserved = next.route == before.route ? before.unserved : refuse_route(*next.route);
    dependencies = resolve_parents(route, backends, stages, next, findings);
    next.backends = std::move(backends.rules);
  }
  if (findings.parents.empty()) {
    stages.book.remove(key, stages.delta);
  } else {
    const auto generation = model::meta_of(*next.route).generation;
    stages.book.put({key, generation, std::move(findings)}, stages.delta);
  }
  tell(key, before, next, stages);
  routes_by_dependency_.set(key, std::move(dependencies));
  if (next.route == nullptr) {
    routes_.erase(key);
  } else {
    routes_.insert_or_assign(key, std::move(next));
  }
}

std::set<ObjectKey> RouteStage::resolve_parents(const RouteView& view,
                                                const RouteBackends& backends, const Stages& stages,
                                                Told& next, RouteFindings& findings) const {
  const ObjectName& name = view.route->meta.name;
  std::set<ObjectKey> dependencies;
  std::map<ListenerKey, Attachment> served;
  for (const model::ParentRef& ref : view.route->parent_refs) {
    const auto parent = parent_of(ref, name);
    if (!parent) continue;
    dependencies.insert(*parent);
    const ParentView* seen = stages.gateways.view(*parent);
    if (seen == nullptr) continue;
    if (seen->selects_namespaces()) dependencies.insert({Kind::kNamespace, {"", name.ns}});
    ParentOutcome outcome = attach(view, ref, *seen, labels_of(name.ns, stages.store));
    if (!outcome.refusal) outcome.refusal = next.unserved;
    ParentFinding& finding = findings.parents.emplace_back();
    finding.parent = ref;
    if (outcome.refusal) {
      finding.conditions.push_back(
          {"Accepted", false, outcome.refusal->reason, outcome.refusal->message});
    } else {
      finding.conditions.push_back({"Accepted", true, "Accepted", "The route is attached"});
      add_attachments(outcome, next.counted, served);
      add_securing(outcome, next.securing);
    }
    finding.conditions.push_back(backends.resolved_refs);
  }
  if (!findings.parents.empty()) {
    dependencies.insert(backends.dependencies.begin(), backends.dependencies.end());
  }
  for (auto& [key, attachment] : served) {
    next.attachments.push_back(std::move(attachment));
  }
  return dependencies;
}

void RouteStage::tell(const ObjectKey& key, const Told& before, const Told& next, Stages& stages) {
  for (const ListenerKey& listener : next.counted) {
    if (!before.counted.contains(listener)) stages.gateways.count_route(listener);
  }
  for (const ListenerKey& listener : before.counted) {
    if (!next.counted.contains(listener)) stages.gateways.discount_route(listener);
  }
  const bool was_served = !before.attachments.empty();
  const bool is_served = !next.attachments.empty();
  const auto used_before = was_served ? used_backends(before.backends) : std::set<BackendKey>{};
  const auto used_now = is_served ? used_backends(next.backends) : std::set<BackendKey>{};
  for (const BackendKey& backend : used_now) {
    if (!used_before.contains(backend)) stages.backends.use(backend);
  }
  for (const BackendKey& backend : used_before) {
    if (!used_now.contains(backend)) stages.backends.release(backend);
  }
  tell_policies(before, next, stages.policies);
  if (!is_served) {
    if (was_served) stages.delta.routes_gone.push_back(key);
    return;
  }
  const auto created = model::meta_of(*next.route).created;
  if (was_served && before.attachments == next.attachments && before.backends == next.backends &&
      model::meta_of(*before.route).created == created && same_rules(*before.route, *next.route)) {
    return;
  }
  stages.delta.routes.push_back(
      {key, created, next.attachments, resolved_rules(*next.route, next.backends)});
}

void RouteStage::tell_policies(const Told& before, const Told& next, PolicyStage& policies) {
  const auto uses = [](const Told& told) {
    std::set<std::pair<ObjectName, ObjectKey>> pairs;
    for (const BackendKey& backend : used_backends(told.backends)) {
      if (backend.transport == Transport::kUdp) continue;
      for (const ObjectName& gateway : told.securing)
        pairs.emplace(gateway, backend.object);
    }
    return pairs;
  };
  const auto used_before = uses(before);
  const auto used_now = uses(next);
  for (const auto& [gateway, target] : used_now) {
    if (!used_before.contains({gateway, target})) policies.use(gateway, target);
  }
  for (const auto& [gateway, target] : used_before) {
    if (!used_now.contains({gateway, target})) policies.release(gateway, target);
  }
}

}  // namespace sluice::resolve
