// The Gateways of our classes: who owns them, their listeners, what they lose to each other.
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

#include "controller/model/store.h"
#include "controller/resolve/address_book.h"
#include "controller/resolve/attach.h"
#include "controller/resolve/certificate_refs.h"
#include "controller/resolve/conflicts.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/finding_book.h"
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

  // A GatewayClass or Gateway changed, or something that Gateways refer to; update() will look at
  // it.
  void on_change(const model::ObjectKey& key, const model::Store& store);

  // Looks at what was touched. Returns the Gateways that routes must look at again.
  std::set<model::ObjectName> update(const model::Store& store, FindingBook& book, Delta& delta);

  // None: it does not exist or is not of our classes.
  const GatewayView* view(const model::ObjectName& gateway) const;

  void count_route(const ListenerKey& listener);
  void discount_route(const ListenerKey& listener);

  // Says the findings that update() or counting changed.
  void publish_findings(FindingBook& book, Delta& delta);

 private:
  struct Owned {
    GatewayPlan plan;
    std::set<model::ObjectKey> dependencies;
    std::map<std::uint16_t, Losses> losses;  // by port
    GatewayView view;
    std::map<std::string, ServedListener> served;
  };

  const model::GatewayClass* class_of(const model::Gateway& gateway,
                                      const model::Store& store) const;
  void update_class(const std::string& name, const model::Store& store, FindingBook& book,
                    Delta& delta);
  void settle_addresses(const model::Store& store);
  void plan(const model::ObjectName& name, const model::Store& store);
  void drop(const model::ObjectName& name, FindingBook& book, Delta& delta);
  void depend(const model::ObjectName& name, std::set<model::ObjectKey> dependencies);
  void settle(std::uint16_t port);
  // Returns whether routes see a difference.
  bool finish(const model::ObjectName& name, Delta& delta);

  Options options_;
  ReverseIndex<std::string, model::ObjectName> gateways_of_class_;
  ReverseIndex<model::ObjectKey, model::ObjectName> gateways_by_dependency_;
  ReverseIndex<model::ObjectKey, std::string> classes_of_parameters_;
  CertificateBook certificates_;
  AddressBook addresses_;
  std::map<model::ObjectName, Owned> gateways_;
  PortBook ports_;
  std::map<ListenerKey, std::uint32_t> attached_;

  std::set<std::string> touched_classes_;
  std::set<model::ObjectName> touched_gateways_;
  std::set<std::uint16_t> touched_ports_;
  std::set<model::ObjectName> unfinished_;
  std::set<model::ObjectName> untold_;
};

}  // namespace sluice::resolve
