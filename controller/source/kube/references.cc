#include "controller/source/kube/references.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::source {

namespace {

using Keys = std::set<model::ObjectKey>;

void add(const std::string& group, const std::string& kind, const std::string& ns,
         const std::string& name, Keys& keys) {
  const std::optional<model::Kind> found = model::find_kind(group, kind);
  if (found != model::Kind::kSecret && found != model::Kind::kConfigMap) return;
  keys.insert({*found, {ns, name}});
}

void add(const model::ObjectRef& ref, const std::string& own_ns, Keys& keys) {
  add(ref.group, ref.kind, ref.ns.value_or(own_ns), ref.name, keys);
}

void add(const std::optional<model::ClientValidation>& validation, const std::string& ns,
         Keys& keys) {
  if (!validation) return;
  for (const model::ObjectRef& ref : validation->ca_certificate_refs)
    add(ref, ns, keys);
}

void add(const std::vector<model::Listener>& listeners, const std::string& ns, Keys& keys) {
  for (const model::Listener& listener : listeners) {
    if (!listener.tls) continue;
    for (const model::ObjectRef& ref : listener.tls->certificate_refs)
      add(ref, ns, keys);
  }
}

Keys references_of_gateway(const model::Gateway& gateway) {
  Keys keys;
  const std::string& ns = gateway.meta.name.ns;
  add(gateway.listeners, ns, keys);
  add(gateway.frontend_tls.fallback, ns, keys);
  for (const auto& [port, validation] : gateway.frontend_tls.of_port)
    add(validation, ns, keys);
  if (gateway.client_certificate_ref) add(*gateway.client_certificate_ref, ns, keys);
  return keys;
}

}  // namespace

Keys references_of(const model::Object& object) {
  if (const auto* gateway = std::get_if<model::Gateway>(&object)) {
    return references_of_gateway(*gateway);
  }
  Keys keys;
  if (const auto* set = std::get_if<model::ListenerSet>(&object)) {
    add(set->listeners, set->meta.name.ns, keys);
  }
  if (const auto* policy = std::get_if<model::BackendTlsPolicy>(&object)) {
    for (const model::CaCertificateRef& ref : policy->ca_certificate_refs)
      add(ref.group, ref.kind, policy->meta.name.ns, ref.name, keys);
  }
  return keys;
}

void References::apply(const model::Change& change) {
  Keys now = change.object == nullptr ? Keys{} : references_of(*change.object);
  const auto before = of_.find(change.key);
  if (before != of_.end()) {
    for (const model::ObjectKey& key : before->second) {
      if (now.contains(key)) continue;
      Keys& users = users_[key];
      users.erase(change.key);
      if (!users.empty()) continue;
      users_.erase(key);
      changed_.insert(key);
    }
    of_.erase(before);
  }
  for (const model::ObjectKey& key : now) {
    Keys& users = users_[key];
    if (users.empty()) changed_.insert(key);
    users.insert(change.key);
  }
  if (!now.empty()) of_.emplace(change.key, std::move(now));
}

Keys References::take_changes() {
  return std::exchange(changed_, {});
}

}  // namespace sluice::source
