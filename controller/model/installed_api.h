// What an API server has of the APIs whose objects are read here.
//
// Process: controller.   Spec: the annotations gateway.networking.k8s.io/bundle-version and
// /channel of the CRDs of gateway-api
#pragma once

#include <map>
#include <set>
#include <string>

#include "controller/model/object.h"

namespace sluice::model {

// What the CRD of a kind of the Gateway API says of its origin.
struct Bundle {
  std::string release;  // "v1.7.0"; "": it does not say it
  bool experimental = false;
  bool operator==(const Bundle&) const = default;
};

struct InstalledApi {
  std::map<Kind, Bundle> bundles;  // of the kinds of the Gateway API that have a CRD
  std::set<std::string> releases;  // of all CRDs of the Gateway API, also of kinds not read here
  std::set<Kind> absent;           // kinds that are not served
  bool operator==(const InstalledApi&) const = default;
};

}  // namespace sluice::model
