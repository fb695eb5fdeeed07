// The findings of every object as last told, so that only what came out differently is told again.
//
// Process: controller.   Thread: one.
#pragma once

#include <map>
#include <utility>

#include "controller/resolve/delta.h"

namespace sluice::resolve {

class FindingBook {
 public:
  void put(ObjectFindings findings, Delta& delta) {
    const auto [known, is_new] = told_.try_emplace(findings.object, findings);
    if (!is_new) {
      if (known->second == findings) return;
      known->second = findings;
    }
    delta.findings.push_back(std::move(findings));
  }

  void remove(const model::ObjectKey& object, Delta& delta) {
    if (told_.erase(object) > 0) delta.findings_gone.push_back(object);
  }

 private:
  std::map<model::ObjectKey, ObjectFindings> told_;
};

}  // namespace sluice::resolve
