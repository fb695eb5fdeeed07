// Objects out of a Kubernetes API server, followed live, and the statuses that go back to it.
//
// - The first batch that is not `waiting` has everything: every kind was listed (or is forbidden or
//   absent), and the body of every Secret and ConfigMap that something names is here.
// - While the API server does not tell everything, an earlier process's snapshot (snapshot.h) is
//   told after kPatienceMs, in a batch that is `outdated`; what the API server has replaces it. No
//   status, Event, Service or Lease is written meanwhile.
// - Later a batch that names a Secret or ConfigMap for the first time is held back until its body
//   is here, at most kHoldMs.
// - Of several controllers of one name the holder of a Lease writes statuses (lease.h).
// - An API server that goes away leaves everything as it is. A kind that is forbidden or absent is
//   a problem, and everything else goes on (kube/watch.h).
//
// Process: controller.   Thread: event loop.   Fails: open_kubernetes(), when there is no
// configuration to find the cluster by; later everything is a Problem.
// Tested by: test/unit/controller/source/kube/, test/kube
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "controller/kube/client.h"
#include "controller/source/source.h"
#include "shared/base/result.h"

namespace sluice::source {

struct KubeOptions {
  kube::ClusterChoice cluster;
  std::string controller_name = "sluice.dev/gateway-controller";
  std::string state_directory;  // keeps who we are among controllers of that name, and the snapshot
  std::string version;          // of this program, for the API server's log
  std::uint16_t port_offset = 0;  // between the ports of Gateways and those that are open
  bool snapshot_secrets = false;  // Secrets are in the snapshot too
  bool nothing_serves = false;    // no table of an earlier process: the snapshot may be told
};

constexpr std::uint64_t kHoldMs = 1000;
constexpr std::uint64_t kPatienceMs = 3000;

Result<std::unique_ptr<Source>> open_kubernetes(const KubeOptions& options);

}  // namespace sluice::source
