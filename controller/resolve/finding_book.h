// The findings of every object as last told, so that only what came out differently is told again.
//
// Process: controller.   Thread: one.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "controller/resolve/delta.h"

namespace sluice::resolve {

class FindingBook {
 public:
  void put(ObjectFindings findings, Delta& delta) {
    SharedFindings& told = told_[findings.object];
    if (told != nullptr && *told == findings) return;
    told = std::make_shared<const ObjectFindings>(std::move(findings));
    delta.findings.push_back(told);
  }

  void remove(const model::ObjectKey& object, Delta& delta) {
    if (told_.erase(object) > 0) delta.findings_gone.push_back(object);
  }

 private:
  std::map<model::ObjectKey, SharedFindings> told_;
};

}  // namespace sluice::resolve
