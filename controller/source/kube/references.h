// The Secrets and ConfigMaps that objects name: only their bodies are asked for.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/source/kube/references_test.cc
#pragma once

#include <map>
#include <set>

#include "controller/model/store.h"

namespace sluice::source {

// Whether a ReferenceGrant allows it is not looked at: that may change without the object.
std::set<model::ObjectKey> references_of(const model::Object& object);

// How many objects name each.
class References {
 public:
  void apply(const model::Change& change);

  bool contains(const model::ObjectKey& key) const { return users_.contains(key); }

  // Named for the first time, or not named any more, since the last call.
  std::set<model::ObjectKey> take_changes();

 private:
  std::map<model::ObjectKey, std::set<model::ObjectKey>> of_;  // object -> what it names
  std::map<model::ObjectKey, std::set<model::ObjectKey>> users_;
  std::set<model::ObjectKey> changed_;
};

}  // namespace sluice::source
