// Which release of the Gateway API is installed, as its CRDs say by their annotations.
//
// Process: controller.   Pure.
// Spec: gateway-api v1.7.0 GatewayClass SupportedVersion; the annotations of its bundles
// Tested by: test/unit/controller/source/kube/bundles_test.cc, test/kube/test_bundles.py
#pragma once

#include <map>
#include <string>

#include "controller/kube/watch.h"
#include "controller/model/installed_api.h"

namespace sluice::source {

class Bundles {
 public:
  // A CRD, by its metadata; those of other APIs count for nothing.
  void take(const kube::WatchEvent& event);

  // Says nothing of kinds that are absent.
  const model::InstalledApi& api() const { return api_; }

 private:
  std::map<std::string, model::Bundle> crds_;  // by name
  model::InstalledApi api_;
};

}  // namespace sluice::source
