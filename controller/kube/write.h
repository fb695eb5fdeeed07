// Writes of objects, as calls (calls.h): their key is the object's path without subresource, so
// that all writes of one object are done in order.
//
// Process: controller.   Pure.   Spec: kubernetes.io/docs/reference/using-api/api-concepts
// Tested by: test/unit/controller/kube/write_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/kube/calls.h"
#include "controller/kube/paths.h"

namespace sluice::kube {

struct ObjectPlace {
  Resource resource;
  std::string ns;  // "": cluster-scoped
  std::string name;
};

// `manager`: the name of the field manager. With metadata.resourceVersion in the patch the server
// answers kConflict when the object is another by now.   Spec: RFC 7386
Call merge_patch(const ObjectPlace& object, const nlohmann::json& patch, std::string_view manager);
Call merge_patch_status(const ObjectPlace& object, const nlohmann::json& patch,
                        std::string_view manager);

// What to do about fields that another manager owns.
enum class Ownership { kTakeOver, kRespect };

// Server-side apply: the object exists afterwards, with these fields owned by `manager`.
Call apply(const ObjectPlace& object, const nlohmann::json& fields, std::string_view manager,
           Ownership ownership);

// kConflict when it exists. Its name may be empty when the object has metadata.generateName.
Call create(const ObjectPlace& object, const nlohmann::json& json, std::string_view manager);

// `uid`, `resource_version`: kConflict unless it still has these; "": any.
Call remove(const ObjectPlace& object, std::string_view uid, std::string_view resource_version);

}  // namespace sluice::kube
