#include "controller/source/kube/bodies.h"

#include <algorithm>
#include <utility>

#include "shared/base/timeout.h"

namespace sluice::source {

void Bodies::put(const model::ObjectKey& key, const std::string& resource_version) {
  exists_[key] = resource_version;
  if (const auto fetch = under_way_.find(key); fetch != under_way_.end()) fetch->second = true;
  const auto need = needs_.find(key);
  if (need == needs_.end()) return;
  need->second.at_ms = 0;
  need->second.retry_ms = 0;
}

void Bodies::remove(const model::ObjectKey& key) {
  exists_.erase(key);
  const auto need = needs_.find(key);
  if (need != needs_.end()) drop(key, need->second);
}

void Bodies::drop(const model::ObjectKey& key, Need& need) {
  if (!std::exchange(need.fetched, "").empty()) dropped_.push_back(key);
}

void Bodies::name(const model::ObjectKey& key, bool named) {
  if (named) {
    needs_.try_emplace(key);
    return;
  }
  const auto need = needs_.find(key);
  if (need == needs_.end()) return;
  drop(key, need->second);
  needs_.erase(need);
}

bool Bodies::is_due(const model::ObjectKey& key, const Need& need) const {
  if (under_way_.contains(key)) return false;
  const auto exists = exists_.find(key);
  return exists != exists_.end() && exists->second != need.fetched;
}

std::vector<model::ObjectKey> Bodies::take_due(std::uint64_t now_ms) {
  std::vector<model::ObjectKey> keys;
  for (const auto& [key, need] : needs_) {
    if (under_way_.size() >= kMostFetches) break;
    if (need.at_ms > now_ms || !is_due(key, need)) continue;
    under_way_.emplace(key, false);
    keys.push_back(key);
  }
  return keys;
}

bool Bodies::have(const model::ObjectKey& key, const std::string& resource_version,
                  std::uint64_t now_ms) {
  const auto fetch = under_way_.find(key);
  const bool news = fetch != under_way_.end() && fetch->second;
  under_way_.erase(key);
  const auto need = needs_.find(key);
  if (need == needs_.end() || !exists_.contains(key)) return false;
  // Another version than the metadata's is older when news came meanwhile, else newer.
  need->second = {.fetched = resource_version, .at_ms = news ? 0 : now_ms + kNewsMs};
  return true;
}

void Bodies::gone(const model::ObjectKey& key) {
  under_way_.erase(key);
  remove(key);
}

void Bodies::failed(const model::ObjectKey& key, Failure failure, std::uint64_t now_ms) {
  under_way_.erase(key);
  const auto found = needs_.find(key);
  if (found == needs_.end()) return;
  Need& need = found->second;
  need.retry_ms = std::clamp(need.retry_ms * 2, kFirstRetryMs, kLastRetryMs);
  need.at_ms = now_ms + need.retry_ms;
  need.refused = failure == Failure::kRefused;
}

std::vector<model::ObjectKey> Bodies::take_dropped() {
  return std::exchange(dropped_, {});
}

bool Bodies::is_named(const model::ObjectKey& key) const {
  return needs_.contains(key);
}

bool Bodies::complete() const {
  return std::none_of(needs_.begin(), needs_.end(), [this](const auto& each) {
    const Need& need = each.second;
    return need.fetched.empty() && !need.refused && exists_.contains(each.first);
  });
}

int Bodies::timeout_ms(std::uint64_t now_ms) const {
  if (under_way_.size() >= kMostFetches) return -1;
  int timeout = -1;
  for (const auto& [key, need] : needs_) {
    if (!is_due(key, need)) continue;
    timeout = sooner(timeout, timeout_until(need.at_ms, now_ms));
  }
  return timeout;
}

}  // namespace sluice::source
