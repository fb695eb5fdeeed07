// The Gateways of our classes: who owns them, their listeners with those of the ListenerSets that
// join them, what they lose to each other.
//
// Process: controller.   Thread: one.
// Cost of update(): the named classes and Gateways, and every listener on a port whose claims
// changed. Tested by: test/golden, test/property/resolve_incremental_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/model/store.h"
#include "controller/resolve/address_book.h"
#include "controller/resolve/attach.h"
#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/conflicts.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/finding_book.h"
#include "controller/resolve/gateway_findings.h"
#include "controller/resolve/gateway_plan.h"
#include "controller/resolve/reverse_index.h"

namespace sluice::resolve {

class GatewayStage {
 public:
  explicit GatewayStage(const Options& options)
      : options_(options), addresses_(options.address_pool) {}

  void adopt_addresses(const model::ObjectName& gateway,
                       const std::vector<std::string>& addresses) {
    addresses_.adopt(gateway, addresses);
  }

  // A GatewayClass, Gateway or ListenerSet changed, or something that these refer to; update() will
  // look at it.
  void on_change(const model::ObjectKey& key, const model::Store& store);

  // The API server serves other kinds than before, or another release of the Gateway API.
  void on_api(const model::Store& store);

  // Looks at what was touched. Returns the Gateways and ListenerSets that routes must look at
  // again.
  std::set<model::ObjectKey> update(const model::Store& store, FindingBook& book, Delta& delta);

  // Of a Gateway or ListenerSet. None: it does not exist or does not belong to our classes.
  const ParentView* view(const model::ObjectKey& parent) const;

  void count_route(const ListenerKey& listener);
  void discount_route(const ListenerKey& listener);

  // Says the findings that update() or counting changed.
  void publish_findings(FindingBook& book, Delta& delta);

 private:
  struct Owned {
    GatewayPlan plan;
    std::set<model::ObjectKey> dependencies;
    std::map<std::uint16_t, Losses> losses;        // by port
    std::map<model::ObjectKey, ParentView> views;  // of itself and of its ListenerSets
    std::map<ListenerKey, ServedListener> served;
  };

  const model::GatewayClass* class_of(const model::Gateway& gateway,
                                      const model::Store& store) const;
  void update_class(const std::string& name, const model::Store& store, FindingBook& book,
                    Delta& delta);
  void settle_addresses(const model::Store& store);
  // The ListenerSets that name the Gateway, in the order in which they join it.
  std::vector<const model::ListenerSet*> sets_of(const model::ObjectName& gateway,
                                                 const model::Store& store) const;
  void plan(const model::ObjectName& name, const model::Store& store);
  void plan_sets(const model::Gateway& gateway, const model::Store& store,
                 std::set<model::ObjectKey>& dependencies, GatewayPlan& plan);
  // Adds to `changed` what routes see no more.
  void drop(const model::ObjectName& name, FindingBook& book, Delta& delta,
            std::set<model::ObjectKey>& changed);
  void depend(const model::ObjectName& name, std::set<model::ObjectKey> dependencies);
  void settle(std::uint16_t port);
  // Adds to `changed` where routes see a difference.
  void finish(const model::ObjectName& name, Delta& delta, std::set<model::ObjectKey>& changed);

  Options options_;
  ReverseIndex<std::string, model::ObjectName> gateways_of_class_;
  ReverseIndex<model::ObjectName, model::ObjectName> sets_of_gateway_;
  ReverseIndex<model::ObjectKey, model::ObjectName> gateways_by_dependency_;
  ReverseIndex<model::ObjectKey, std::string> classes_of_parameters_;
  CertificateBook certificates_;
  AddressBook addresses_;
  std::map<model::ObjectName, Owned> gateways_;
  PortBook ports_;
  RouteCounts attached_;

  std::set<std::string> touched_classes_;
  std::set<model::ObjectName> touched_gateways_;
  std::set<std::uint16_t> touched_ports_;
  std::set<model::ObjectName> unfinished_;
  std::set<model::ObjectName> untold_;
  std::set<model::ObjectName> departed_sets_;  // they may have joined another Gateway
};

}  // namespace sluice::resolve
