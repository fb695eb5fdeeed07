// kubeconfig files -> the cluster and the user of one context.
//
// What kubectl accepts is accepted, but for what would weaken or change who is spoken to and as
// whom: insecure-skip-tls-verify and http:// are refused, for the server's certificate is always
// verified; impersonation, user names with passwords and auth-provider are refused by name. Data in
// the file comes before a file that it names; a token file before a token.
//
// Process: controller.   Fails: with file, field, what was found and what is valid.
// Spec: k8s.io/client-go/tools/clientcmd (merging: the first file that has a name wins)
// Tested by: test/unit/controller/kube/kubeconfig_test.cc
#pragma once

#include <string>
#include <vector>

#include "controller/kube/cluster.h"
#include "shared/base/result.h"

namespace sluice::kube {

// `context`: "" is the current one. A file that does not exist is passed over unless it is the only
// one.
Result<Cluster> read_kubeconfig(const std::vector<std::string>& files, const std::string& context);

}  // namespace sluice::kube
