// The objects as they are now. Applying a Change says what it touched.
//
// Process: controller.   Thread: event loop.   Owns: the objects. Pointers and references are valid
// until the next apply() of that key. Tested by: test/unit/controller/model/store_test.cc
#pragma once

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "controller/model/backend_tls_policy.h"
#include "controller/model/core.h"
#include "controller/model/gateway.h"
#include "controller/model/gateway_parameters.h"
#include "controller/model/grpc_route.h"
#include "controller/model/http_route.h"
#include "controller/model/object.h"

namespace sluice::model {

using Object = std::variant<GatewayClass, Gateway, ListenerSet, HttpRoute, GrpcRoute,
                            ReferenceGrant, Service, EndpointSlice, Namespace, Secret, ConfigMap,
                            Backend, BackendTlsPolicy, GatewayParameters>;

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

 private:
  std::map<Kind, std::map<ObjectName, std::shared_ptr<const Object>>> objects_;
};

}  // namespace sluice::model
