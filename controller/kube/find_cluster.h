// Which cluster is ours, and who we are there.
//
// In this order: a kubeconfig or a context that was asked for; the files of KUBECONFIG; the service
// account of the Pod that we run in; ~/.kube/config.
//
// Process: controller.   Fails: with what was looked at and what is valid.
// Tested by: test/unit/controller/kube/kubeconfig_test.cc
#pragma once

#include <string>

#include "controller/kube/cluster.h"
#include "shared/base/result.h"

namespace sluice::kube {

struct ClusterChoice {
  std::string kubeconfig;  // --kubeconfig; "": not given
  std::string context;     // --context; "": the current one
};

// What the process finds around itself.
struct Surroundings {
  std::string service_host;  // KUBERNETES_SERVICE_HOST
  std::string service_port;  // KUBERNETES_SERVICE_PORT
  std::string kubeconfig;    // KUBECONFIG: files with colons between them
  std::string home;          // HOME
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

  static Surroundings of_process();
};

Result<Cluster> find_cluster(const ClusterChoice& choice, const Surroundings& around);

}  // namespace sluice::kube
