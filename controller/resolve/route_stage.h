// The routes of our Gateways: where they attach and what they are served with.
//
// Process: controller.   Thread: one.   Cost of update(): the touched routes.
// Tested by: test/golden, test/property/resolve_incremental_test.cc
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/attach.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/backend_stage.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/finding_book.h"
#include "controller/resolve/gateway_stage.h"
#include "controller/resolve/policy_stage.h"
#include "controller/resolve/reverse_index.h"
#include "controller/resolve/route_view.h"

namespace sluice::resolve {

class RouteStage {
 public:
  // Any object changed, or what a Gateway or ListenerSet looks like to routes: update() will look
  // at the routes that depend on it.
  void on_change(const model::ObjectKey& key);

  // What update() reads and tells.
  struct Stages {
    const model::Store& store;
    GatewayStage& gateways;
    BackendStage& backends;
    PolicyStage& policies;
    FindingBook& book;
    Delta& delta;
  };

  void update(Stages stages);

 private:
  // What was said about a route the last time.
  struct Told {
    std::shared_ptr<const model::Object> route;
    std::optional<Refusal> unserved;  // what of the route itself can't be served
    std::set<ListenerKey> counted;
    std::set<model::ObjectName> securing;  // Gateways that ask policies how to reach the backends
    std::vector<Attachment> attachments;   // empty: not served
    std::vector<RuleTargets> backends;
  };

  void update_route(const model::ObjectKey& key, Stages& stages);
  // Sets findings and what `next` attaches to; returns the objects that were looked at.
  std::set<model::ObjectKey> resolve_parents(const RouteView& view, const RouteBackends& backends,
                                             const Stages& stages, Told& next,
                                             RouteFindings& findings) const;
  void tell(const model::ObjectKey& key, const Told& before, const Told& next, Stages& stages);
  static void tell_policies(const Told& before, const Told& next, PolicyStage& policies);

  std::map<model::ObjectKey, Told> routes_;
  ReverseIndex<model::ObjectKey, model::ObjectKey> routes_by_dependency_;
  std::set<model::ObjectKey> touched_;
};

}  // namespace sluice::resolve
