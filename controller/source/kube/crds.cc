#include "controller/source/kube/crds.h"

#include "controller/source/kube/kinds.h"
#include "shared/base/timeout.h"

namespace sluice::source {

Crds::Crds(kube::Client& client)
    : watch_(client.watch({.resource = {"apiextensions.k8s.io/v1", "customresourcedefinitions"},
                           .kind = "CustomResourceDefinition",
                           .form = kube::Form::kMetadata})) {}

void Crds::turn(std::uint64_t now_ms) {
  for (const kube::WatchEvent& event : watch_.take_events())
    take(event, now_ms);
  std::erase_if(awaited_, [now_ms](const auto& each) {
    return each.first->state() != kube::WatchState::kAbsent || now_ms >= each.second;
  });
  if (awaited_.empty() || now_ms < again_ms_) return;
  again_ms_ = now_ms + kAgainMs;
  for (const auto& [reflector, until_ms] : awaited_)
    reflector->hurry();
}

void Crds::take(const kube::WatchEvent& event, std::uint64_t now_ms) {
  bundles_.take(event);
  if (event.kind != kube::EventKind::kPut) return;
  for (kube::Reflector* reflector : reflectors_) {
    if (crd_of(reflector->options().resource) != event.object.name) continue;
    if (reflector->state() == kube::WatchState::kAbsent) awaited_[reflector] = now_ms + kPatienceMs;
  }
}

int Crds::timeout_ms(std::uint64_t now_ms) const {
  return awaited_.empty() ? kForEver : timeout_until(again_ms_, now_ms);
}

}  // namespace sluice::source
