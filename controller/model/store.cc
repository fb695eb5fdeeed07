#include "controller/model/store.h"

#include <array>

namespace sluice::model {

namespace {

// In the order of Object's alternatives.
constexpr std::array<Kind, std::variant_size_v<Object>> kAlternatives = {
    Kind::kGatewayClass,     Kind::kGateway,           Kind::kListenerSet,
    Kind::kHttpRoute,        Kind::kGrpcRoute,         Kind::kTlsRoute,
    Kind::kTcpRoute,         Kind::kUdpRoute,          Kind::kReferenceGrant,
    Kind::kService,          Kind::kEndpointSlice,     Kind::kNamespace,
    Kind::kSecret,           Kind::kConfigMap,         Kind::kBackend,
    Kind::kBackendTlsPolicy, Kind::kGatewayParameters, Kind::kClusterTrustBundle,
};

}  // namespace

const Meta& meta_of(const Object& object) {
  return std::visit([](const auto& value) -> const Meta& { return value.meta; }, object);
}

Kind kind_of(const Object& object) {
  return kAlternatives[object.index()];
}

ObjectKey key_of(const Object& object) {
  return {kind_of(object), meta_of(object).name};
}

bool Store::apply(const Change& change) {
  auto& objects = objects_[change.key.kind];
  if (change.object == nullptr) return objects.erase(change.key.name) > 0;
  objects.insert_or_assign(change.key.name, change.object);
  return true;
}

const Object* Store::find_object(const ObjectKey& key) const {
  const auto& objects = all(key.kind);
  const auto found = objects.find(key.name);
  return found == objects.end() ? nullptr : found->second.get();
}

std::shared_ptr<const Object> Store::share(const ObjectKey& key) const {
  const auto& objects = all(key.kind);
  const auto found = objects.find(key.name);
  return found == objects.end() ? nullptr : found->second;
}

const std::map<ObjectName, std::shared_ptr<const Object>>& Store::all(Kind kind) const {
  static const std::map<ObjectName, std::shared_ptr<const Object>> none;
  const auto found = objects_.find(kind);
  return found == objects_.end() ? none : found->second;
}

std::size_t Store::size() const {
  std::size_t count = 0;
  for (const auto& [kind, objects] : objects_)
    count += objects.size();
  return count;
}

}  // namespace sluice::model
