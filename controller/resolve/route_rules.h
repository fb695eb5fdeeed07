// What of a route's own text can't be served, and its rules as they are served.
//
// Process: controller.   Pure.   Tested by: test/golden
#pragma once

#include <optional>
#include <vector>

#include "controller/model/http_route.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/gateway_plan.h"

namespace sluice::resolve {

// Fields of later versions of Sluice, and regular expressions that RE2 or its limits refuse.
std::optional<Refusal> refuse_route(const model::HttpRoute& route);

std::vector<ResolvedRule> resolved_rules(const model::HttpRoute& route,
                                         const RuleBackends& backends);

// Whether both are served by the same rules when their backends are the same.
bool same_rules(const model::HttpRoute& a, const model::HttpRoute& b);

}  // namespace sluice::resolve
