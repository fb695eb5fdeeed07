#include "controller/source/kube/write_order.h"

#include <algorithm>

#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

// Classes, then Gateways, then ListenerSets, then all others.
int rank(model::Kind kind) {
  return std::min(static_cast<int>(kind), 3);
}

}  // namespace

void WriteOrder::touch(const model::ObjectKey& key, std::uint64_t at_ms) {
  put_back({rank(key.kind), --touches_, key}, at_ms);
}

void WriteOrder::put_back(const Entry& entry, std::uint64_t at_ms) {
  remove(entry.key);
  at_[entry.key] = {entry, at_ms};
  later_.emplace(at_ms, entry.key);
}

void WriteOrder::remove(const model::ObjectKey& key) {
  const auto found = at_.find(key);
  if (found == at_.end()) return;
  later_.erase({found->second.at_ms, key});
  ready_.erase(found->second.entry);
  at_.erase(found);
}

std::optional<WriteOrder::Entry> WriteOrder::take(std::uint64_t now_ms) {
  while (!later_.empty() && later_.begin()->first <= now_ms) {
    ready_.insert(at_.at(later_.begin()->second).entry);
    later_.erase(later_.begin());
  }
  if (ready_.empty()) return std::nullopt;
  Entry entry = std::move(ready_.extract(ready_.begin()).value());
  at_.erase(entry.key);
  return entry;
}

int WriteOrder::timeout_ms(std::uint64_t now_ms) const {
  if (!ready_.empty()) return 0;
  return later_.empty() ? kForEver : timeout_until(later_.begin()->first, now_ms);
}

}  // namespace sluice::source
