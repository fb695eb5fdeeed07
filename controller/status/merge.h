// Our status of an object, written into the one that the cluster has: what to send, and whether
// anything is to be sent at all.
//
// Entries of other controllers (parents, ancestors), conditions of types that are not ours, and
// fields that are not ours stay as they are. A condition whose status did not change keeps its
// lastTransitionTime; one that was observed at a newer generation than ours stays.
//
// Process: controller.   Pure.   Spec: gateway-api v1 RouteStatus, PolicyStatus, GatewayStatus
// Tested by: test/unit/controller/status/merge_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace sluice::status {

struct Merged {
  std::string text;          // the whole `.status` as JSON
  std::size_t left_out = 0;  // entries of ours for which the list has no room
};

// `current`: the object's `.status`, or null. `ours`: what status_json() made; null: the object is
// not ours (any more), so only our entries go. None: the status says all of it already.
std::optional<Merged> merge_status(const nlohmann::json& current, const nlohmann::json& ours,
                                   const std::string& controller_name);

}  // namespace sluice::status
