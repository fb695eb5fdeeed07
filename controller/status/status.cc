#include "controller/status/status.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/status/show.h"
#include "controller/status/status_json.h"

namespace sluice::status {

namespace {

// How long route and Gateway conditions wait for a worker when none lives.
constexpr std::int64_t kPatienceMs = 1000;

}  // namespace

struct StatusBook::Entry {
  resolve::ObjectFindings findings;
  std::uint64_t published = 0;
  std::int64_t put_ms = 0;
  bool fresh = true;     // put since the last refresh
  bool waiting = false;  // something is held back
  Shown shown;
};

StatusBook::StatusBook(std::string controller_name)
    : controller_name_(std::move(controller_name)) {}

void StatusBook::put(const resolve::ObjectFindings& findings, std::uint64_t published,
                     std::int64_t now_ms) {
  std::shared_ptr<Entry>& entry = entries_[findings.object];
  if (entry == nullptr) entry = std::make_shared<Entry>();
  entry->findings = findings;
  entry->published = published;
  entry->put_ms = now_ms;
  entry->fresh = true;
  pending_.insert(findings.object);
}

void StatusBook::remove(const model::ObjectKey& key) {
  if (entries_.erase(key) > 0) removed_.insert(key);
  pending_.erase(key);
}

bool StatusBook::refresh_entry(const model::ObjectKey& key, std::int64_t now_ms) {
  Entry& entry = *entries_.at(key);
  View view{data_plane_, Release::kNot, entry.findings.generation, now_ms};
  if (data_plane_.any_worker) {
    if (data_plane_.acknowledged >= entry.published) view.release = Release::kNow;
  } else if (now_ms - entry.put_ms >= kPatienceMs) {
    view.release = Release::kTimed;
  }
  Shown shown = show(entry.findings, entry.shown, view, entry.waiting);
  entry.fresh = false;
  if (entry.waiting) {
    pending_.insert(key);
  } else {
    pending_.erase(key);
  }
  if (shown == entry.shown) return false;
  entry.shown = std::move(shown);
  return true;
}

std::vector<model::ObjectKey> StatusBook::refresh(const DataPlane& data_plane,
                                                  std::int64_t now_ms) {
  const bool workers_changed = data_plane.any_worker != data_plane_.any_worker;
  const bool sockets_changed = data_plane.open_sockets != data_plane_.open_sockets ||
                               data_plane.failed_sockets != data_plane_.failed_sockets ||
                               data_plane.listeners_on != data_plane_.listeners_on;
  data_plane_ = data_plane;
  std::set<model::ObjectKey> due = pending_;
  if (workers_changed || sockets_changed) {
    for (auto it = entries_.lower_bound({model::Kind::kGateway, {}});
         it != entries_.end() && it->first.kind == model::Kind::kGateway; ++it) {
      due.insert(it->first);
    }
  }
  std::vector<model::ObjectKey> changed;
  for (const model::ObjectKey& key : due) {
    if (refresh_entry(key, now_ms)) changed.push_back(key);
  }
  for (const model::ObjectKey& key : std::exchange(removed_, {})) {
    if (!entries_.contains(key)) changed.push_back(key);
  }
  return changed;
}

nlohmann::json StatusBook::status_of(const model::ObjectKey& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second->shown == Shown{}) return nullptr;
  return status_json(key.kind, found->second->shown, controller_name_);
}

int StatusBook::timeout_ms(std::int64_t now_ms) const {
  std::int64_t soonest = std::numeric_limits<std::int64_t>::max();
  for (const model::ObjectKey& key : pending_) {
    const Entry& entry = *entries_.at(key);
    if (entry.fresh) return 0;
    if (data_plane_.any_worker) continue;
    soonest = std::min(soonest, entry.put_ms + kPatienceMs - now_ms);
  }
  if (soonest == std::numeric_limits<std::int64_t>::max()) return -1;
  return static_cast<int>(std::max<std::int64_t>(soonest, 0));
}

}  // namespace sluice::status
