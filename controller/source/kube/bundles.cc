#include "controller/source/kube/bundles.h"

#include <string_view>

#include "controller/source/kube/json_text.h"
#include "controller/source/kube/kinds.h"

namespace sluice::source {

namespace {

constexpr std::string_view kGroup = ".gateway.networking.k8s.io";
constexpr std::string_view kExperimentalGroup = ".gateway.networking.x-k8s.io";
constexpr const char* kRelease = "/metadata/annotations/gateway.networking.k8s.io~1bundle-version";
constexpr const char* kChannel = "/metadata/annotations/gateway.networking.k8s.io~1channel";
constexpr std::size_t kLongestRelease = 64;

model::Bundle bundle_of(const nlohmann::json& crd) {
  std::string release = text_at(crd, kRelease);
  if (release.size() > kLongestRelease) release.clear();
  return {std::move(release), text_at(crd, kChannel) == "experimental"};
}

}  // namespace

void Bundles::take(const kube::WatchEvent& event) {
  const std::string& name = event.object.name;
  if (!name.ends_with(kGroup) && !name.ends_with(kExperimentalGroup)) return;
  if (event.kind == kube::EventKind::kPut) {
    crds_[name] = bundle_of(event.json);
  } else {
    crds_.erase(name);
  }
  api_ = {};
  for (const auto& [crd, bundle] : crds_)
    api_.releases.insert(bundle.release);
  for (const FollowedKind& kind : followed_kinds()) {
    const auto found = crds_.find(crd_of(resource_of(kind.kind)));
    if (found != crds_.end()) api_.bundles[kind.kind] = found->second;
  }
}

}  // namespace sluice::source
