// What a route's backendRefs stand for, and what is wrong with them.
//
// Permission is asked before existence, so that nobody learns by a condition what another namespace
// holds.
//
// Process: controller.   Pure.   Spec: gateway-api v1 HTTPBackendRef, ReferenceGrant; GEP-1911
// Tested by: test/golden
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/model/http_route.h"
#include "controller/model/store.h"
#include "controller/resolve/delta.h"

namespace sluice::resolve {

// One thing that has endpoints: a port of a Service, or a Backend (port 0).
struct BackendKey {
  model::ObjectKey object;
  std::uint16_t port = 0;
  auto operator<=>(const BackendKey&) const = default;

  BackendId id() const;       // "Service/ns/name:port"
  std::string label() const;  // "ns/name:port"
};

// Per rule and backendRef; none: invalid.
using RuleBackends = std::vector<std::vector<std::optional<BackendKey>>>;

struct RouteBackends {
  RuleBackends rules;
  ConditionFinding resolved_refs;
  // Objects that were asked for, existing or not. A ReferenceGrant without a name stands for every
  // grant of its namespace.
  std::set<model::ObjectKey> dependencies;
};

RouteBackends resolve_backends(const model::HttpRoute& route, const model::Store& store);

// The dependency on "any ReferenceGrant of namespace `ns`".
model::ObjectKey grants_of(const std::string& ns);

}  // namespace sluice::resolve
