// What a GatewayClass says of versions: whether the Gateway API that is installed is one that this
// program knows, and the features that are served, by the names that its release has for them.
//
// What is installed is what the CRDs say of themselves: a feature is told only when its kind has a
// CRD of a known release, whose channel has its fields, and is served. Objects are read in any
// case. Without an API server all of the newest release is there.
//
// Process: controller.   Pure.   Spec: gateway-api v1.5 to v1.7 GatewayClass conditions,
// pkg/features Tested by: test/unit/controller/resolve/features_test.cc, test/golden
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/model/installed_api.h"
#include "controller/resolve/finding.h"
#include "controller/resolve/resolve.h"

namespace sluice::resolve {

// `api` none: there is no API server.
ConditionFinding supported_version(const std::optional<model::InstalledApi>& api);

// Sorted.
std::vector<std::string> supported_features(const std::optional<model::InstalledApi>& api,
                                            const Options& options);

}  // namespace sluice::resolve
