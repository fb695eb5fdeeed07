// The kinds that are followed, and where the API server has them.
//
// Process: controller.   Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controller/kube/paths.h"
#include "controller/kube/watch.h"
#include "controller/model/object.h"

namespace sluice::source {

struct FollowedKind {
  model::Kind kind;
  const char* plural;
  kube::Form form = kube::Form::kWhole;
  bool optional = false;        // its CRD may be missing without anybody missing it
  const char* older = nullptr;  // version that is followed where the preferred one is not served
};

std::span<const FollowedKind> followed_kinds();

// Whether this program writes statuses of them.
bool has_status(model::Kind kind);

// In the version that is preferred, or in another one.
kube::Resource resource_of(model::Kind kind, std::string_view version);
kube::Resource resource_of(model::Kind kind);

// "gateways.gateway.networking.k8s.io"
std::string crd_of(const kube::Resource& resource);

}  // namespace sluice::source
