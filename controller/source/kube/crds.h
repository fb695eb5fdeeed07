// Which CRDs the cluster has: a kind that was absent is looked for again when its CRD comes, and
// the release of the Gateway API is known (bundles.h).
//
// Process: controller.   Thread: event loop.   Lifetime: borrows the client and its reflectors.
// Spec: apiextensions.k8s.io/v1 CustomResourceDefinition
// Tested by: test/kube/test_kinds.py, test/kube/test_bundles.py
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controller/kube/client.h"
#include "controller/source/kube/bundles.h"

namespace sluice::source {

class Crds {
 public:
  // A CRD is there a moment before its objects are served.
  static constexpr std::uint64_t kAgainMs = 500;
  static constexpr std::uint64_t kPatienceMs = 15'000;

  explicit Crds(kube::Client& client);

  void look_after(kube::Reflector& reflector) { reflectors_.push_back(&reflector); }

  void turn(std::uint64_t now_ms);
  int timeout_ms(std::uint64_t now_ms) const;  // -1: none

  // What those of the Gateway API say of it.
  const model::InstalledApi& gateway_api() const { return bundles_.api(); }

  // Why CRDs cannot be followed, for people; "": they can.
  const std::string& problem() const { return watch_.problem(); }

 private:
  void take(const kube::WatchEvent& event, std::uint64_t now_ms);

  kube::Reflector& watch_;
  std::vector<kube::Reflector*> reflectors_;
  std::map<kube::Reflector*, std::uint64_t> awaited_;  // until when
  std::uint64_t again_ms_ = 0;
  Bundles bundles_;
};

}  // namespace sluice::source
