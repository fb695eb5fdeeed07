// What a credential plugin is told and what it prints.
//
// Process: controller.   Pure.   Spec: client.authentication.k8s.io/v1 and v1beta1 ExecCredential
// Fails: with the plugin's place in the kubeconfig, what was found and what is valid; never with
// what the plugin printed, which may be a credential.
// Tested by: test/unit/controller/kube/access_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/kube/cluster.h"
#include "shared/base/result.h"

namespace sluice::kube {

struct PluginAnswer {
  std::string token;
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::optional<std::int64_t> expires;  // seconds since the epoch
};

// The value of KUBERNETES_EXEC_INFO. `authority_pem`: of the cluster; "": none is said.
std::string plugin_request(const ExecPlugin& plugin, const Cluster& cluster,
                           const std::string& authority_pem);

Result<PluginAnswer> read_plugin_answer(const ExecPlugin& plugin, const std::string& output);

}  // namespace sluice::kube
