#include "controller/kube/find_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "controller/kube/kubeconfig.h"
#include "shared/base/file_text.h"

namespace sluice::kube {

namespace {

constexpr std::size_t kMaxNamespaceBytes = 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> split_paths(std::string_view paths) {
  std::vector<std::string> each;
  while (!paths.empty()) {
    const std::size_t end = paths.find(':');
    if (end != 0) each.emplace_back(paths.substr(0, end));
    if (end == std::string_view::npos) break;
    paths.remove_prefix(end + 1);
  }
  return each;
}

Result<Cluster> in_cluster(const Surroundings& around) {
  Cluster cluster;
  const bool is_ipv6 = around.service_host.find(':') != std::string::npos;
  cluster.server = fmt::format("https://{}{}{}:{}", is_ipv6 ? "[" : "", around.service_host,
                               is_ipv6 ? "]" : "", around.service_port);
  const std::string& directory = around.service_account;
  cluster.token = {"service account", directory + "/token", ""};
  cluster.authority = {"service account", directory + "/ca.crt", ""};
  Result<std::string> ns = read_text(directory + "/namespace", kMaxNamespaceBytes);
  if (!ns) return propagate(std::move(ns), "service account");
  cluster.ns = *ns;
  return cluster;
}

}  // namespace

Surroundings Surroundings::of_process() {
  Surroundings around;
  around.service_host = variable("KUBERNETES_SERVICE_HOST");
  around.service_port = variable("KUBERNETES_SERVICE_PORT");
  around.kubeconfig = variable("KUBECONFIG");
  around.home = variable("HOME");
  return around;
}

Result<Cluster> find_cluster(const ClusterChoice& choice, const Surroundings& around) {
  if (!choice.kubeconfig.empty()) return read_kubeconfig({choice.kubeconfig}, choice.context);
  if (const std::vector<std::string> files = split_paths(around.kubeconfig); !files.empty()) {
    return read_kubeconfig(files, choice.context);
  }
  const bool in_pod = !around.service_host.empty() && !around.service_port.empty();
  if (in_pod && choice.context.empty()) return in_cluster(around);
  const std::string own = around.home + "/.kube/config";
  if (!around.home.empty() && ::access(own.c_str(), F_OK) == 0) {
    return read_kubeconfig({own}, choice.context);
  }
  return fail(Errc::kNotFound,
              fmt::format("found no cluster: KUBECONFIG is not set, KUBERNETES_SERVICE_HOST and "
                          "KUBERNETES_SERVICE_PORT are not both set as in a Pod, and there is no "
                          "{}; give --kubeconfig FILE",
                          around.home.empty() ? "HOME" : own));
}

}  // namespace sluice::kube
