// Whether a reference into another namespace is permitted.
//
// Process: controller.   Pure.   Spec: gateway-api v1 ReferenceGrant.   Tested by: test/golden
#pragma once

#include <string>

#include "controller/model/store.h"

namespace sluice::resolve {

// Whether a ReferenceGrant lets objects of that kind in `from_ns` refer to `to`, which is in
// another namespace and need not exist.
bool is_permitted(const model::Store& store, model::Kind from, const std::string& from_ns,
                  const model::ObjectKey& to);

}  // namespace sluice::resolve
