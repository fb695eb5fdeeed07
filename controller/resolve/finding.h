// What resolving found out about one object, before anybody knows whether workers serve it: the
// input of status.
//
// A ConditionFinding is the condition that holds once the table with it is adopted. Status turns it
// into a condition with observedGeneration and lastTransitionTime, and holds back what must wait
// for acknowledgements (Programmed, and any change to True). The catalogue of types and reasons
// with their messages: controller/doc/conditions.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/model/http_route.h"
#include "controller/model/object.h"

namespace sluice::resolve {

struct Socket;

struct ConditionFinding {
  std::string type;  // "Accepted"
  bool status = true;
  std::string reason;  // "NoMatchingParent"
  std::string message;
  bool operator==(const ConditionFinding&) const = default;
};

struct ListenerFinding {
  std::string name;
  std::vector<std::string> supported_kinds;  // "HTTPRoute": the group is gateway.networking.k8s.io
  std::uint32_t attached_routes = 0;
  bool served = false;                // false: Programmed=False/Invalid (or the reason below)
  std::string not_programmed_reason;  // when not served
  std::string not_programmed_message;
  std::vector<std::string>
      sockets;  // "0.0.0.0:8080": all must be open in every worker for Programmed
  std::vector<ConditionFinding> conditions;  // Accepted, ResolvedRefs, Conflicted
  bool operator==(const ListenerFinding&) const = default;
};

// One of status.addresses, of type IPAddress.
struct AddressFinding {
  std::string value;
  std::optional<std::string> routability = {};  // none: nothing is said of it
  bool operator==(const AddressFinding&) const = default;
};

// Of a Gateway, or of a ListenerSet, which has no addresses of its own.
struct GatewayFindings {
  std::vector<ConditionFinding>
      conditions;  // Accepted, ResolvedRefs; Programmed=False only when it is known already
  std::vector<AddressFinding> addresses;   // status.addresses
  std::vector<std::string> listens_at;     // those of the pool, shown or not
  std::vector<ListenerFinding> listeners;  // in spec order
  std::uint32_t attached_listener_sets = 0;
  bool operator==(const GatewayFindings&) const = default;
};

struct ParentFinding {
  model::ParentRef parent;                   // verbatim
  std::vector<ConditionFinding> conditions;  // Accepted, ResolvedRefs
  bool operator==(const ParentFinding&) const = default;
};

// Of a route; of a policy, whose parents are its ancestors.
struct RouteFindings {
  std::vector<ParentFinding> parents;
  bool operator==(const RouteFindings&) const = default;
};

struct ClassFindings {
  std::vector<ConditionFinding> conditions;
  std::vector<std::string> supported_features;  // sorted
  bool operator==(const ClassFindings&) const = default;
};

struct ObjectFindings {
  model::ObjectKey object;
  std::int64_t generation = 1;  // of the object that was looked at
  std::variant<ClassFindings, GatewayFindings, RouteFindings> findings;
  bool operator==(const ObjectFindings&) const = default;
};

// One of each object for all who keep it.
using SharedFindings = std::shared_ptr<const ObjectFindings>;

}  // namespace sluice::resolve
