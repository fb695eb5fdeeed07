#include "controller/resolve/gateway_stage.h"

#include <utility>

#include "controller/resolve/backend_refs.h"
#include "controller/resolve/client_certificates.h"
#include "controller/resolve/gateway_addresses.h"
#include "controller/resolve/gateway_findings.h"
#include "controller/resolve/listener_tls.h"

namespace sluice::resolve {

using model::Kind;
using model::ObjectKey;
using model::ObjectName;

namespace {

ListenerView view_of(const ListenerPlan& listener, bool served) {
  return {listener.name, listener.hostname, listener.port, listener.supported_kinds,
          listener.from, listener.selector, served};
}

ServedListener serve(const ObjectName& gateway, const GatewayPlan& plan,
                     const ListenerPlan& listener) {
  return {.key = {gateway, listener.name},
          .hostname = listener.hostname,
          .port = listener.port,
          .client_port = listener.sockets.front().port,
          .sockets = listener.sockets,
          .tls = listener.tls,
          .client_certificate = plan.client_certificate,
          .options = plan.options,
          .proxy_protocol = listener.proxy_protocol};
}

// Tells which of `now` are new or differ from `before`, and which are gone.
void tell_listeners(const ObjectName& gateway, const std::map<std::string, ServedListener>& before,
                    const std::map<std::string, ServedListener>& now, Delta& delta) {
  for (const auto& [name, listener] : now) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != listener) delta.listeners.push_back(listener);
  }
  for (const auto& [name, listener] : before) {
    if (!now.contains(name)) delta.listeners_gone.push_back({gateway, name});
  }
}

}  // namespace

void GatewayStage::on_change(const ObjectKey& key, const model::Store& store) {
  if (key.kind == Kind::kGatewayClass) {
    touched_classes_.insert(key.name.name);
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
    book.put({key, object->meta.generation, class_findings(refuse_class(*object, store), options_)},
             delta);
  } else {
    book.remove(key, delta);
  }
  classes_of_parameters_.set(name, std::move(parameters));
}

std::set<ObjectName> GatewayStage::update(const model::Store& store, FindingBook& book,
                                          Delta& delta) {
  std::set<ObjectName> changed;
  for (const std::string& name : std::exchange(touched_classes_, {})) {
    update_class(name, store, book, delta);
  }
  if (addresses_.in_use()) settle_addresses(store);
  for (const ObjectName& name : std::exchange(touched_gateways_, {})) {
    const auto* gateway = store.find<model::Gateway>(Kind::kGateway, name);
    if (gateway != nullptr && class_of(*gateway, store) != nullptr) {
      plan(name, store);
    } else if (gateways_.contains(name)) {
      drop(name, book, delta);
      changed.insert(name);
    }
  }
  for (const std::uint16_t port : std::exchange(touched_ports_, {})) {
    settle(port);
  }
  for (const ObjectName& name : std::exchange(unfinished_, {})) {
    if (finish(name, delta)) changed.insert(name);
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

void GatewayStage::plan(const ObjectName& name, const model::Store& store) {
  const auto* gateway = store.find<model::Gateway>(Kind::kGateway, name);
  Owned& owned = gateways_[name];
  const AddressGrant* const grant = addresses_.find(name);
  owned.plan = plan_gateway(*gateway, find_parameters(*gateway, *class_of(*gateway, store), store),
                            options_, grant);
  std::set<ObjectKey> dependencies;
  const RefSearch search{store, certificates_, name, dependencies};
  plan_tls(*gateway, search, owned.plan);
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

void GatewayStage::drop(const ObjectName& name, FindingBook& book, Delta& delta) {
  const auto found = gateways_.find(name);
  tell_listeners(name, found->second.served, {}, delta);
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

bool GatewayStage::finish(const ObjectName& name, Delta& delta) {
  Owned& owned = gateways_.at(name);
  GatewayView view{name, {}};
  std::map<std::string, ServedListener> served;
  for (const ListenerPlan& listener : owned.plan.listeners) {
    const bool is_up = is_served(owned.plan, listener, find_loss(owned.losses, listener));
    view.listeners.push_back(view_of(listener, is_up));
    if (is_up) served.emplace(listener.name, serve(name, owned.plan, listener));
  }
  tell_listeners(name, owned.served, served, delta);
  owned.served = std::move(served);
  untold_.insert(name);
  if (view == owned.view) return false;
  owned.view = std::move(view);
  return true;
}

const GatewayView* GatewayStage::view(const ObjectName& gateway) const {
  const auto found = gateways_.find(gateway);
  return found == gateways_.end() ? nullptr : &found->second.view;
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
  for (const ObjectName& name : std::exchange(untold_, {})) {
    const auto found = gateways_.find(name);
    if (found == gateways_.end()) continue;
    std::map<std::string, std::uint32_t> attached;
    for (auto it = attached_.lower_bound({name, ""});
         it != attached_.end() && it->first.gateway == name; ++it) {
      attached.emplace(it->first.listener, it->second);
    }
    const Owned& owned = found->second;
    book.put({{Kind::kGateway, name},
              owned.plan.generation,
              gateway_findings(owned.plan, owned.losses, attached)},
             delta);
  }
}

}  // namespace sluice::resolve
