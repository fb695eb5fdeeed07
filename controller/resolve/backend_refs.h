// What the backendRefs of a route and of its mirrors stand for, and what is wrong with them.
//
// Permission is asked before existence, so that nobody learns by a condition what another namespace
// holds.
//
// Process: controller.   Pure.   Spec: gateway-api v1 HTTPBackendRef, HTTPRequestMirrorFilter,
// ReferenceGrant; GEP-1911 (appProtocol).
// Tested by: test/golden
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/route_view.h"

namespace sluice::resolve {

// One thing that has endpoints: a port of a Service, or a Backend (port 0).
struct BackendKey {
  model::ObjectKey object;
  std::uint16_t port = 0;
  Transport transport = Transport::kTcp;
  auto operator<=>(const BackendKey&) const = default;

  BackendId id() const;  // "Service/ns/name:port"
};

// As the ports of Services and EndpointSlices say it.
std::string_view protocol_name(Transport transport);

// key: none when the reference is invalid.
struct BackendTarget {
  std::optional<BackendKey> key;
  BackendProtocol protocol = BackendProtocol::kHttp1;
  bool operator==(const BackendTarget&) const = default;
};

// mirrors: one per RequestMirror of its filters.
struct BackendRefTargets {
  BackendTarget target;
  std::vector<BackendTarget> mirrors;
  bool operator==(const BackendRefTargets&) const = default;
};

struct RuleTargets {
  std::vector<BackendTarget> mirrors;
  std::vector<BackendRefTargets> backends;  // one per backendRef
  bool operator==(const RuleTargets&) const = default;
};

struct RouteBackends {
  std::vector<RuleTargets> rules;
  ConditionFinding resolved_refs;
  // Objects that were asked for, existing or not. A ReferenceGrant or BackendTLSPolicy without a
  // name stands for every one of its namespace.
  std::set<model::ObjectKey> dependencies;
};

RouteBackends resolve_backends(const RouteView& route, const model::Store& store);

// All problems as one text, at most eight of them.
std::string join_problems(const std::vector<std::string>& problems);

// The valid ones.
std::set<BackendKey> used_backends(const std::vector<RuleTargets>& rules);

// The dependency on "any object of this kind in namespace `ns`".
model::ObjectKey any_of(model::Kind kind, const std::string& ns);

}  // namespace sluice::resolve
