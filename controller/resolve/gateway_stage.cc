#include "controller/resolve/gateway_stage.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "controller/resolve/backend_refs.h"
#include "controller/resolve/client_certificates.h"
#include "controller/resolve/gateway_addresses.h"
#include "controller/resolve/listener_tls.h"
#include "controller/resolve/namespaces.h"

namespace sluice::resolve {

using model::Kind;
using model::ObjectKey;
using model::ObjectName;

namespace {

ListenerView view_of(const ListenerPlan& listener, bool served) {
  return {listener.key,  listener.hostname, listener.port, listener.supported_kinds,
          listener.from, listener.selector, listener.mode, served};
}

// Without their listeners.
std::map<ObjectKey, ParentView> views_of(const GatewayPlan& plan) {
  std::map<ObjectKey, ParentView> views;
  const ObjectKey own{Kind::kGateway, plan.name};
  views[own] = {own, plan.name, {}, {}};
  for (const ListenerSetPlan& set : plan.sets) {
    const ObjectKey key{Kind::kListenerSet, set.name};
    ParentView& view = views[key] = {key, plan.name, {}, {}};
    if (!set.allowed) view.refusal = not_allowed(plan, set);
  }
  return views;
}

ServedListener serve(const GatewayPlan& plan, const ListenerPlan& listener) {
  return {.key = listener.key,
          .hostname = listener.hostname,
          .port = listener.port,
          .client_port = listener.sockets.front().port,
          .sockets = listener.sockets,
          .tls = listener.tls,
          .client_certificate = plan.client_certificate,
          .options = plan.options,
          .proxy_protocol = listener.proxy_protocol,
          .backend_proxy_protocol = listener.backend_proxy_protocol,
          .mode = listener.mode};
}

// Tells which of `now` are new or differ from `before`, and which are gone.
void tell_listeners(const std::map<ListenerKey, ServedListener>& before,
                    const std::map<ListenerKey, ServedListener>& now, Delta& delta) {
  for (const auto& [key, listener] : now) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != listener) delta.listeners.push_back(listener);
  }
  for (const auto& [key, listener] : before) {
    if (!now.contains(key)) delta.listeners_gone.push_back(key);
  }
}

// The Gateway that a ListenerSet names; none for a parent of another kind.
std::set<ObjectName> parent_of(const model::ListenerSet* set) {
  if (set == nullptr) return {};
  const model::ObjectRef& parent = set->parent;
  if (model::find_kind(parent.group, parent.kind) != Kind::kGateway) return {};
  return {{parent.ns.value_or(set->meta.name.ns), parent.name}};
}

}  // namespace

void GatewayStage::on_change(const ObjectKey& key, const model::Store& store) {
  if (key.kind == Kind::kGatewayClass) {
    touched_classes_.insert(key.name.name);
    return;
  }
  if (key.kind == Kind::kListenerSet) {
    touched_gateways_.merge(std::set(sets_of_gateway_.targets_of(key.name)));
    sets_of_gateway_.set(key.name,
                         parent_of(store.find<model::ListenerSet>(Kind::kListenerSet, key.name)));
    touched_gateways_.merge(std::set(sets_of_gateway_.targets_of(key.name)));
    return;
  }
  if (key.kind != Kind::kGateway) {
    if (key.kind == Kind::kSecret) certificates_.forget(key.name);
    const ObjectKey wanted =
        key.kind == Kind::kReferenceGrant ? any_of(model::Kind::kReferenceGrant, key.name.ns) : key;
    const auto& gateways = gateways_by_dependency_.dependents_of(wanted);
    touched_gateways_.insert(gateways.begin(), gateways.end());
    const auto& classes = classes_of_parameters_.dependents_of(key);
    touched_classes_.insert(classes.begin(), classes.end());
    return;
  }
  const auto* gateway = store.find<model::Gateway>(Kind::kGateway, key.name);
  std::set<std::string> classes;
  if (gateway != nullptr) classes.insert(gateway->class_name);
  gateways_of_class_.set(key.name, std::move(classes));
  touched_gateways_.insert(key.name);
}

// With their Gateways.
void GatewayStage::on_api(const model::Store& store) {
  for (const auto& [name, object] : store.all(Kind::kGatewayClass))
    touched_classes_.insert(name.name);
}

const model::GatewayClass* GatewayStage::class_of(const model::Gateway& gateway,
                                                  const model::Store& store) const {
  const auto* found =
      store.find<model::GatewayClass>(Kind::kGatewayClass, {"", gateway.class_name});
  return found != nullptr && found->controller_name == options_.controller_name ? found : nullptr;
}

void GatewayStage::update_class(const std::string& name, const model::Store& store,
                                FindingBook& book, Delta& delta) {
  for (const ObjectName& gateway : gateways_of_class_.dependents_of(name)) {
    touched_gateways_.insert(gateway);
  }
  const ObjectKey key{Kind::kGatewayClass, {"", name}};
  const auto* object = store.find<model::GatewayClass>(Kind::kGatewayClass, key.name);
  std::set<ObjectKey> parameters;
  if (object != nullptr && object->controller_name == options_.controller_name) {
    if (const auto named = parameters_key(*object)) parameters.insert(*named);
    ClassFindings found = class_findings(refuse_class(*object, store), store.api(), options_);
    book.put({key, object->meta.generation, std::move(found)}, delta);
  } else {
    book.remove(key, delta);
  }
  classes_of_parameters_.set(name, std::move(parameters));
}

std::set<ObjectKey> GatewayStage::update(const model::Store& store, FindingBook& book,
                                         Delta& delta) {
  std::set<ObjectKey> changed;
  for (const std::string& name : std::exchange(touched_classes_, {})) {
    update_class(name, store, book, delta);
  }
  if (addresses_.in_use()) settle_addresses(store);
  for (const ObjectName& name : std::exchange(touched_gateways_, {})) {
    const auto* gateway = store.find<model::Gateway>(Kind::kGateway, name);
    if (gateway != nullptr && class_of(*gateway, store) != nullptr) {
      plan(name, store);
    } else if (gateways_.contains(name)) {
      drop(name, book, delta, changed);
    }
  }
  for (const std::uint16_t port : std::exchange(touched_ports_, {})) {
    settle(port);
  }
  for (const ObjectName& name : std::exchange(unfinished_, {})) {
    finish(name, delta, changed);
  }
  return changed;
}

// Touches the Gateways that have other addresses now.
void GatewayStage::settle_addresses(const model::Store& store) {
  for (const ObjectName& name : touched_gateways_) {
    const auto* gateway = store.find<model::Gateway>(Kind::kGateway, name);
    if (gateway != nullptr && class_of(*gateway, store) != nullptr) {
      addresses_.put(*gateway);
    } else {
      addresses_.remove(name);
    }
  }
  touched_gateways_.merge(addresses_.settle());
}

std::vector<const model::ListenerSet*> GatewayStage::sets_of(const ObjectName& gateway,
                                                             const model::Store& store) const {
  std::vector<const model::ListenerSet*> sets;
  for (const ObjectName& name : sets_of_gateway_.dependents_of(gateway)) {
    sets.push_back(store.find<model::ListenerSet>(Kind::kListenerSet, name));
  }
  const auto order_of = [](const model::ListenerSet* set) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    return std::pair(set->meta.created.value_or(kLast), set->meta.name.text());
  };
  std::ranges::sort(sets, {}, order_of);
  return sets;
}

void GatewayStage::plan(const ObjectName& name, const model::Store& store) {
  const auto* gateway = store.find<model::Gateway>(Kind::kGateway, name);
  Owned& owned = gateways_[name];
  const AddressGrant* const grant = addresses_.find(name);
  for (const ListenerSetPlan& set : owned.plan.sets)
    departed_sets_.insert(set.name);
  owned.plan = plan_gateway(*gateway, find_parameters(*gateway, *class_of(*gateway, store), store),
                            options_, grant);
  std::set<ObjectKey> dependencies;
  const ObjectKey key{Kind::kGateway, name};
  const RefSearch search{store, certificates_, key, dependencies};
  plan_tls(gateway->listeners, search, owned.plan.listeners);
  plan_sets(*gateway, store, dependencies, owned.plan);
  plan_frontend(*gateway, search, owned.plan);
  plan_client_certificate(*gateway, search, owned.plan);
  if (grant != nullptr) assign_addresses(*gateway, *grant, search, owned.plan);
  if (const auto parameters = parameters_key(*gateway)) dependencies.insert(*parameters);
  depend(name, std::move(dependencies));
  for (const std::uint16_t port : ports_.put(name, owned.plan)) {
    owned.losses.erase(port);
    touched_ports_.insert(port);
  }
  unfinished_.insert(name);
}

void GatewayStage::plan_sets(const model::Gateway& gateway, const model::Store& store,
                             std::set<ObjectKey>& dependencies, GatewayPlan& plan) {
  const model::AllowedListeners& allowed = gateway.allowed_listeners;
  for (const model::ListenerSet* const set : sets_of(plan.name, store)) {
    const ObjectKey key{Kind::kListenerSet, set->meta.name};
    const std::string& ns = key.name.ns;
    if (allowed.from == model::FromNamespaces::kSelector) {
      dependencies.insert({Kind::kNamespace, {"", ns}});
    }
    ListenerSetPlan& planned = plan.sets.emplace_back();
    planned.name = key.name;
    planned.generation = set->meta.generation;
    planned.first = plan.listeners.size();
    planned.allowed =
        lets_in(allowed.from, allowed.selector, plan.name.ns, ns, labels_of(ns, store));
    if (!planned.allowed) continue;
    planned.count = set->listeners.size();
    plan_tls(set->listeners, {store, certificates_, key, dependencies},
             plan_listeners(key, set->listeners, options_, plan));
  }
}

void GatewayStage::drop(const ObjectName& name, FindingBook& book, Delta& delta,
                        std::set<ObjectKey>& changed) {
  const auto found = gateways_.find(name);
  for (const auto& [key, view] : found->second.views)
    changed.insert(key);
  for (const ListenerSetPlan& set : found->second.plan.sets)
    departed_sets_.insert(set.name);
  tell_listeners(found->second.served, {}, delta);
  touched_ports_.merge(ports_.remove(name));
  depend(name, {});
  gateways_.erase(found);
  book.remove({Kind::kGateway, name}, delta);
}

// Certificates that no Gateway refers to any more are forgotten.
void GatewayStage::depend(const ObjectName& name, std::set<ObjectKey> dependencies) {
  const std::set<ObjectKey> before = std::exchange(gateways_.at(name).dependencies, dependencies);
  gateways_by_dependency_.set(name, std::move(dependencies));
  for (const ObjectKey& key : before) {
    if (key.kind != Kind::kSecret) continue;
    if (gateways_by_dependency_.dependents_of(key).empty()) certificates_.forget(key.name);
  }
}

// Tells every Gateway on the port what it loses there now.
void GatewayStage::settle(std::uint16_t port) {
  for (auto& [name, losses] : ports_.settle(port)) {
    Losses& known = gateways_.at(name).losses[port];
    if (known == losses) continue;
    known = std::move(losses);
    unfinished_.insert(name);
  }
}

void GatewayStage::finish(const ObjectName& name, Delta& delta, std::set<ObjectKey>& changed) {
  Owned& owned = gateways_.at(name);
  note_overlaps(owned.losses, owned.plan);
  const SettledGateway gateway = resolve::settle(owned.plan, owned.losses);
  std::map<ObjectKey, ParentView> views = views_of(owned.plan);
  std::map<ListenerKey, ServedListener> served;
  for (const ListenerPlan& listener : owned.plan.listeners) {
    const bool is_up = is_served(gateway, listener);
    views[listener.key.owner()].listeners.push_back(view_of(listener, is_up));
    if (is_up) served.emplace(listener.key, serve(owned.plan, listener));
  }
  tell_listeners(owned.served, served, delta);
  owned.served = std::move(served);
  untold_.insert(name);
  for (const auto& [key, view] : owned.views) {
    if (!views.contains(key)) changed.insert(key);
  }
  for (const auto& [key, view] : views) {
    const auto before = owned.views.find(key);
    if (before == owned.views.end() || before->second != view) changed.insert(key);
  }
  owned.views = std::move(views);
}

const ParentView* GatewayStage::view(const ObjectKey& parent) const {
  const ObjectName* gateway = &parent.name;
  if (parent.kind == Kind::kListenerSet) {
    const std::set<ObjectName>& gateways = sets_of_gateway_.targets_of(parent.name);
    if (gateways.empty()) return nullptr;
    gateway = &*gateways.begin();
  }
  const auto found = gateways_.find(*gateway);
  if (found == gateways_.end()) return nullptr;
  const auto view = found->second.views.find(parent);
  return view == found->second.views.end() ? nullptr : &view->second;
}

void GatewayStage::count_route(const ListenerKey& listener) {
  ++attached_[listener];
  untold_.insert(listener.gateway);
}

void GatewayStage::discount_route(const ListenerKey& listener) {
  const auto found = attached_.find(listener);
  if (--found->second == 0) attached_.erase(found);
  untold_.insert(listener.gateway);
}

void GatewayStage::publish_findings(FindingBook& book, Delta& delta) {
  for (const ObjectName& name : std::exchange(departed_sets_, {})) {
    const ObjectKey key{Kind::kListenerSet, name};
    if (view(key) == nullptr) book.remove(key, delta);
  }
  for (const ObjectName& name : std::exchange(untold_, {})) {
    const auto found = gateways_.find(name);
    if (found == gateways_.end()) continue;
    const GatewayPlan& plan = found->second.plan;
    const SettledGateway gateway = resolve::settle(plan, found->second.losses);
    book.put({{Kind::kGateway, name}, plan.generation, gateway_findings(gateway, attached_)},
             delta);
    for (const ListenerSetPlan& set : plan.sets) {
      book.put({{Kind::kListenerSet, set.name},
                set.generation,
                listener_set_findings(gateway, set, attached_)},
               delta);
    }
  }
}

}  // namespace sluice::resolve
