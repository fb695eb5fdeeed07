// The objects of an API server as it sent them last, and what of them counts as a change: the
// writes of statuses, our own among them, do not.
//
// A version that this program can't read leaves the last one that it could in force and is a
// problem; the API server accepted it, so a newer CRD may be the reason.
//
// Process: controller.   Thread: event loop.   Never throws: bad input is a Problem.
// Tested by: test/unit/controller/source/kube/objects_test.cc
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/model/store.h"

namespace sluice::source {

// What a write of an object's status needs.
struct SeenObject {
  std::string text;     // JSON without status, managedFields and resourceVersion
  std::string status;   // JSON; "": none
  std::string version;  // "v1"
  std::string uid;
  std::string resource_version;
  std::vector<model::Problem> errors;  // not empty: this version is not in force
  std::vector<model::Problem> warnings;
};

class KubeObjects {
 public:
  // `object`: of this kind; lists leave out its apiVersion and kind. None: nothing to resolve anew.
  std::optional<model::Change> put(model::Kind kind, nlohmann::json object);
  std::optional<model::Change> remove(const model::ObjectKey& key);

  // Null: not there. Lifetime: until the key's next change.
  const SeenObject* find(const model::ObjectKey& key) const;

  const std::map<model::ObjectKey, SeenObject>& all() const { return seen_; }

  std::vector<model::Problem> problems() const;  // sorted
  std::vector<model::Problem> warnings() const;

 private:
  void note_faults(const model::ObjectKey& key, const SeenObject& seen);

  std::map<model::ObjectKey, SeenObject> seen_;
  std::set<model::ObjectKey> faulty_;  // those with errors or warnings
};

}  // namespace sluice::source
