// The BackendTLSPolicies: which one is in force for a backend, and what it asks of connections.
//
// Of several policies with one target the oldest wins, then the first by namespace/name; one that
// names a port of the Service comes before one that does not. A policy that can't be followed keeps
// its target: connections are refused rather than made in plain text.
//
// Process: controller.   Thread: one.   Cost of update(): the touched policies and those that share
// a target with them. Spec: gateway-api v1.7.0 BackendTLSPolicy; GEP-713 (conflicts)
// Tested by: test/golden, test/property/resolve_incremental_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/model/backend_tls_policy.h"
#include "controller/model/store.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/delta.h"
#include "controller/resolve/finding_book.h"
#include "controller/resolve/reverse_index.h"

namespace sluice::resolve {

class PolicyStage {
 public:
  // A BackendTLSPolicy changed, or a ConfigMap or ClusterTrustBundle: update() will look at what
  // depends on it.
  void on_change(const model::ObjectKey& key);

  // The API server serves other kinds than before.
  void on_api(const model::Store& store);

  // Counts routes: a route that `gateway` serves uses `target`, a Service or Backend.
  void use(const model::ObjectName& gateway, const model::ObjectKey& target);
  void release(const model::ObjectName& gateway, const model::ObjectKey& target);

  // Takes in the changed policies. Returns the targets whose connections may be others now.
  std::set<model::ObjectKey> update(const model::Store& store);

  // How connections to the backend are made; none: in plain text.
  std::optional<ServedBackendTls> tls_of(const BackendKey& backend,
                                         const model::Store& store) const;

  // Says the findings that update(), use() and release() changed.
  void publish_findings(const model::Store& store, FindingBook& book, Delta& delta);

 private:
  using Section = std::string;  // name of a port; "": the whole target

  // The policy that wins among those with this target and section.
  const model::BackendTlsPolicy* winner(const model::ObjectKey& target, const Section& section,
                                        const model::Store& store) const;
  // The Gateways that use a target of the policy: true where it has lost all that they use.
  std::map<model::ObjectName, bool> ancestors_of(const model::BackendTlsPolicy& policy,
                                                 const model::Store& store) const;
  void touch_policies_of(const model::ObjectKey& target);
  // Everything that the policy is about, and the policies that are about the same.
  void touch_targets_of(const model::ObjectName& policy, std::set<model::ObjectKey>& targets);

  ReverseIndex<model::ObjectKey, model::ObjectName> policies_by_target_;
  ReverseIndex<model::ObjectKey, model::ObjectName> policies_by_source_;
  std::map<model::ObjectKey, std::map<model::ObjectName, std::uint32_t>> users_;
  std::set<model::ObjectName> touched_;
  std::set<model::ObjectName> untold_;
};

}  // namespace sluice::resolve
