// The objects as they are now, and what the API server that has them serves. Applying a Change says
// what it touched.
//
// Process: controller.   Thread: event loop.   Owns: the objects. Pointers and references are valid
// until the next apply() of that key. Tested by: test/unit/controller/model/store_test.cc
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "controller/model/backend_tls_policy.h"
#include "controller/model/core.h"
#include "controller/model/gateway.h"
#include "controller/model/gateway_parameters.h"
#include "controller/model/grpc_route.h"
#include "controller/model/http_route.h"
#include "controller/model/installed_api.h"
#include "controller/model/object.h"
#include "controller/model/stream_route.h"

namespace sluice::model {

using Object =
    std::variant<GatewayClass, Gateway, ListenerSet, HttpRoute, GrpcRoute, TlsRoute, TcpRoute,
                 UdpRoute, ReferenceGrant, Service, EndpointSlice, Namespace, Secret, ConfigMap,
                 Backend, BackendTlsPolicy, GatewayParameters, ClusterTrustBundle>;

const Meta& meta_of(const Object& object);
Kind kind_of(const Object& object);
ObjectKey key_of(const Object& object);

// One object upserted (object set) or deleted.
struct Change {
  ObjectKey key;
  std::shared_ptr<const Object> object;  // null: deleted
};

class Store {
 public:
  // Returns false when nothing changed (deleting what isn't there).
  bool apply(const Change& change);

  template <class T>
  const T* find(Kind kind, const ObjectName& name) const {
    const Object* object = find_object({kind, name});
    return object == nullptr ? nullptr : std::get_if<T>(object);
  }

  const Object* find_object(const ObjectKey& key) const;
  std::shared_ptr<const Object> share(const ObjectKey& key) const;

  // All objects of a kind in name order.
  const std::map<ObjectName, std::shared_ptr<const Object>>& all(Kind kind) const;
  std::size_t size() const;

  // None: the objects are not of an API server, and every kind can be read.
  const std::optional<InstalledApi>& api() const { return api_; }

  void set_api(InstalledApi api) { api_ = std::move(api); }

  // Whether objects of the kind can be there at all.
  bool serves(Kind kind) const { return !api_ || !api_->absent.contains(kind); }

 private:
  std::map<Kind, std::map<ObjectName, std::shared_ptr<const Object>>> objects_;
  std::optional<InstalledApi> api_;
};

}  // namespace sluice::model
