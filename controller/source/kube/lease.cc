#include "controller/source/kube/lease.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/write.h"
#include "controller/source/kube/json_text.h"
#include "controller/source/kube/times.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kManager = "sluice";

kube::Resource leases() {
  return {"coordination.k8s.io/v1", "leases"};
}

}  // namespace

Lease::Lease(LeasePlace place, std::string identity)
    : place_(std::move(place)), identity_(std::move(identity)) {}

bool Lease::may_take(std::uint64_t now_ms) const {
  return holder_.empty() || holder_ == identity_ || now_ms >= seen_ms_ + duration_ms_;
}

std::optional<kube::Call> Lease::take_due(std::uint64_t now_ms, std::int64_t wall_us) {
  if (under_way_ || now_ms < due_ms_) return std::nullopt;
  if (step_ == Step::kUpdate && !may_take(now_ms)) step_ = Step::kFetch;
  under_way_ = true;
  asked_ms_ = now_ms;
  if (step_ == Step::kFetch) return kube::fetch(leases(), place_.ns, place_.name);
  return write(wall_us);
}

kube::Call Lease::write(std::int64_t wall_us) {
  const std::string now = micro_time(wall_us);
  json spec = {{"holderIdentity", identity_},
               {"leaseDurationSeconds", kDurationMs / 1000},
               {"renewTime", now}};
  if (holder_ != identity_) {
    spec["acquireTime"] = now;
    spec["leaseTransitions"] = step_ == Step::kCreate ? 0 : transitions_ + 1;
  }
  const kube::ObjectPlace place{leases(), place_.ns, place_.name};
  if (step_ == Step::kCreate) {
    return kube::create(place,
                        {{"apiVersion", "coordination.k8s.io/v1"},
                         {"kind", "Lease"},
                         {"metadata", {{"namespace", place_.ns}, {"name", place_.name}}},
                         {"spec", spec}},
                        kManager);
  }
  return kube::merge_patch(
      place, {{"metadata", {{"resourceVersion", resource_version_}}}, {"spec", spec}}, kManager);
}

void Lease::settle(const kube::CallResult& result, std::uint64_t now_ms) {
  under_way_ = false;
  const Step asked = std::exchange(step_, Step::kFetch);
  problem_.clear();
  switch (result.outcome) {
    case kube::Outcome::kOk:
      if (text_at(result.object, "/metadata/resourceVersion").empty()) {
        problem_ = "the answer is no Lease";
        due_ms_ = now_ms + kRetryMs;
        return;
      }
      observe(result.object, now_ms);
      // Counted from before the request: the API server may have taken it right then.
      if (asked != Step::kFetch && holder_ == identity_) held_until_ms_ = asked_ms_ + kRenewMs;
      step_ = Step::kUpdate;
      due_ms_ = asked == Step::kFetch && may_take(now_ms) ? now_ms : now_ms + kRetryMs;
      return;
    case kube::Outcome::kNotFound:
      // The Lease or its namespace: a create tells which.
      step_ = Step::kCreate;
      due_ms_ = asked == Step::kFetch ? now_ms : now_ms + kRetryMs;
      if (asked == Step::kCreate) problem_ = result.message;
      return;
    case kube::Outcome::kConflict:
      held_until_ms_ = 0;
      due_ms_ = now_ms;
      return;
    default:
      problem_ = result.message;
      due_ms_ = now_ms + kRetryMs;
      return;
  }
}

void Lease::observe(const json& lease, std::uint64_t now_ms) {
  const std::string version = text_at(lease, "/metadata/resourceVersion");
  if (version != resource_version_) seen_ms_ = now_ms;
  resource_version_ = version;
  holder_ = text_at(lease, "/spec/holderIdentity");
  transitions_ = number_at(lease, "/spec/leaseTransitions");
  const std::int64_t seconds = number_at(lease, "/spec/leaseDurationSeconds");
  duration_ms_ = static_cast<std::uint64_t>(std::clamp<std::int64_t>(seconds, 0, 3600)) * 1000;
  if (holder_ != identity_) held_until_ms_ = 0;
}

std::optional<kube::Call> Lease::release(std::uint64_t now_ms, std::int64_t wall_us) {
  if (!held(now_ms)) return std::nullopt;
  held_until_ms_ = 0;
  due_ms_ = UINT64_MAX;
  const json spec = {{"holderIdentity", ""}, {"renewTime", micro_time(wall_us)}};
  // Of whatever version: a renewal of ours may be under way before it.
  return kube::merge_patch({leases(), place_.ns, place_.name}, {{"spec", spec}}, kManager);
}

int Lease::timeout_ms(std::uint64_t now_ms) const {
  const int end = held(now_ms) ? timeout_until(held_until_ms_, now_ms) : kForEver;
  return under_way_ ? end : sooner(end, timeout_until(due_ms_, now_ms));
}

}  // namespace sluice::source
