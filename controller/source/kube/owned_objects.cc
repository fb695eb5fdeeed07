#include "controller/source/kube/owned_objects.h"

#include <algorithm>
#include <utility>

#include "controller/source/kube/gateway_objects.h"
#include "controller/source/kube/json_text.h"
#include "shared/base/timeout.h"

namespace sluice::source {

using model::ObjectKey;
using nlohmann::json;

void OwnedObjects::want(const ObjectKey& owner, std::map<ObjectKey, json> objects) {
  std::set<ObjectKey> keys;
  for (auto& [key, fields] : objects) {
    Item& item = items_[key];
    item.dirty |= item.fields != fields;
    item.fields = std::move(fields);
    keys.insert(key);
  }
  for (const ObjectKey& key : of_owner_[owner]) {
    if (keys.contains(key)) continue;
    items_[key].fields = std::nullopt;
    items_[key].dirty = true;
  }
  of_owner_[owner] = std::move(keys);
}

void OwnedObjects::forget(const ObjectKey& owner) {
  const auto found = of_owner_.find(owner);
  if (found == of_owner_.end()) return;
  for (const ObjectKey& key : found->second) {
    const auto item = items_.find(key);
    if (item == items_.end()) continue;
    under_way_ -= item->second.under_way ? 1 : 0;
    items_.erase(item);
  }
  of_owner_.erase(found);
}

void OwnedObjects::touch(const ObjectKey& key) {
  const auto found = items_.find(key);
  if (found != items_.end()) found->second.dirty = true;
}

void OwnedObjects::suspect(const ObjectKey& key) {
  items_[key].dirty = true;
}

std::optional<OwnedWrite> OwnedObjects::look_at(const ObjectKey& key, Item& item,
                                                const SeenObject* seen, bool& done) const {
  const json object = seen == nullptr ? json() : parse_text(seen->text);
  if (item.fields) {
    if (says(object, *item.fields)) {
      item.pause_ms = 0;
      item.dirty = false;
      return std::nullopt;
    }
    return OwnedWrite{key, *item.fields};
  }
  if (seen == nullptr || !is_made_by(object, controller_name_)) {
    done = true;
    return std::nullopt;
  }
  return OwnedWrite{key, nullptr, seen->uid};
}

std::vector<OwnedWrite> OwnedObjects::take(const KubeObjects& objects, std::uint64_t now_ms) {
  std::vector<OwnedWrite> writes;
  for (auto it = items_.begin(); it != items_.end() && under_way_ < kMostWrites;) {
    Item& item = it->second;
    bool done = false;
    if (item.dirty && !item.under_way && item.not_before_ms <= now_ms) {
      if (auto write = look_at(it->first, item, objects.find(it->first), done)) {
        item.dirty = false;
        item.under_way = true;
        item.pause_ms = std::clamp(item.pause_ms * 2, kPauseMs, kLongestPauseMs);
        item.not_before_ms = now_ms + item.pause_ms;
        ++under_way_;
        writes.push_back(*std::move(write));
      }
    }
    it = done ? items_.erase(it) : std::next(it);
  }
  return writes;
}

void OwnedObjects::settle(const ObjectKey& key, bool done) {
  const auto found = items_.find(key);
  if (found == items_.end() || !found->second.under_way) return;
  found->second.under_way = false;
  found->second.dirty = true;  // what the API server made of it is looked at
  --under_way_;
  if (done && !found->second.fields) items_.erase(found);
}

int OwnedObjects::timeout_ms(std::uint64_t now_ms) const {
  int timeout = kForEver;
  if (under_way_ >= kMostWrites) return timeout;
  for (const auto& [key, item] : items_) {
    if (!item.dirty || item.under_way) continue;
    timeout = sooner(timeout, timeout_until(item.not_before_ms, now_ms));
  }
  return timeout;
}

}  // namespace sluice::source
