// URL paths of the Kubernetes API.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/kube/write_test.cc
#pragma once

#include <string>
#include <string_view>

namespace sluice::kube {

// A resource, such as {"gateway.networking.k8s.io/v1", "httproutes"} or {"v1", "secrets"}.
struct Resource {
  std::string api_version;
  std::string plural;
};

// "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes". `ns`: "" is all namespaces,
// or a resource that has none.
std::string collection_path(const Resource& resource, std::string_view ns);
std::string object_path(const Resource& resource, std::string_view ns, std::string_view name);

// For a query's values and for names in paths.   Spec: RFC 3986 2.1
std::string percent_encoded(std::string_view text);

}  // namespace sluice::kube
