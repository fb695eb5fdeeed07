// What of a route's own text can't be served, and its rules as they are served.
//
// Process: controller.   Pure.   Tested by: test/golden
#pragma once

#include <optional>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fields that are not served, and regular expressions that RE2 or its limits refuse.
// REQUIRES: the object is a route.
std::optional<Refusal> refuse_route(const model::Object& route);

// Mirrors whose backend is invalid are left out.
std::vector<ResolvedRule> resolved_rules(const model::Object& route,
                                         const std::vector<RuleTargets>& backends);

}  // namespace sluice::resolve
