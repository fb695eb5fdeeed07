// The backends that served routes use, and their ready endpoints.
//
// Process: controller.   Thread: one.   Spec: Service, EndpointSlice v1 (conditions, ports)
// Tested by: test/unit/controller/resolve/backend_stage_test.cc, test/golden,
// test/property/resolve_incremental_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/model/host_answer.h"
#include "controller/model/store.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/policy_stage.h"
#include "controller/resolve/reverse_index.h"

namespace sluice::resolve {

class BackendStage {
 public:
  // A Service, Backend or EndpointSlice changed.
  void on_change(const model::ObjectKey& key, const model::Store& store);

  // A hostname stands for other addresses.
  void on_answer(const model::HostAnswer& answer);

  // Counts routes: a backend is published while any served route uses it.
  void use(const BackendKey& backend);
  void release(const BackendKey& backend);

  // The BackendTLSPolicies of a Service or Backend changed.
  void on_policy(const model::ObjectKey& target) { touch(target); }

  // Says what came out differently since the last call.
  void publish(const model::Store& store, const PolicyStage& policies, Delta& delta);

 private:
  struct State {
    std::uint32_t users = 0;
    bool published = false;
    ServedBackend told;
  };

  void touch(const model::ObjectKey& object);
  void on_slice(const model::ObjectName& slice, const model::Store& store);
  void note_hostnames(const model::ObjectName& name, const model::Store& store);
  void add_endpoint(const model::BackendEndpoint& endpoint,
                    std::vector<BackendAddress>& addresses) const;
  std::vector<BackendAddress> addresses_of(const BackendKey& backend,
                                           const model::Store& store) const;

  std::map<BackendKey, State> backends_;
  std::set<BackendKey> touched_;
  std::map<model::ObjectName, model::ObjectName> service_of_slice_;
  std::map<model::ObjectName, std::set<model::ObjectName>> slices_of_service_;
  ReverseIndex<std::string, model::ObjectName> backends_by_hostname_;
  std::map<std::string, std::vector<std::string>> addresses_by_hostname_;
};

}  // namespace sluice::resolve
