#include "controller/status/status.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/status/parse_status.h"
#include "controller/status/show.h"
#include "controller/status/status_json.h"

namespace sluice::status {

namespace {

// How long route and Gateway conditions wait for a worker when none lives.
constexpr std::int64_t kPatienceMs = 1000;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

struct StatusBook::Entry {
  resolve::SharedFindings findings;
  std::uint64_t published = 0;
  std::int64_t put_ms = 0;
  Shown shown;
  bool told = false;
};

StatusBook::StatusBook(std::string controller_name)
    : controller_name_(std::move(controller_name)) {}

void StatusBook::put(const resolve::SharedFindings& findings, std::uint64_t published,
                     std::int64_t now_ms, const std::string& before) {
  std::shared_ptr<Entry>& entry = entries_[findings->object];
  if (entry == nullptr) {
    entry = std::make_shared<Entry>();
    entry->shown = parse_status(findings->object.kind,
                                nlohmann::json::parse(before, nullptr, false), controller_name_);
  }
  waiting_.erase({entry->published, findings->object});
  entry->findings = findings;
  entry->published = published;
  entry->put_ms = now_ms;
  fresh_.insert(findings->object);
}

void StatusBook::remove(const model::ObjectKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  waiting_.erase({found->second->published, key});
  fresh_.erase(key);
  entries_.erase(found);
  removed_.insert(key);
}

bool StatusBook::refresh_entry(const model::ObjectKey& key, std::int64_t now_ms) {
  Entry& entry = *entries_.at(key);
  const std::int64_t patience_ends_ms = entry.put_ms + kPatienceMs;
  View view{data_plane_, Release::kNot, entry.findings->generation, now_ms};
  if (data_plane_.any_worker) {
    if (data_plane_.acknowledged >= entry.published) view.release = Release::kNow;
  } else if (now_ms >= patience_ends_ms) {
    view.release = Release::kTimed;
  }
  bool waits = false;
  Shown shown = show(*entry.findings, entry.shown, view, waits);
  if (waits) {
    waiting_.insert({entry.published, key});
    patience_ends_ms_ = std::min(patience_ends_ms_, patience_ends_ms);
  } else {
    waiting_.erase({entry.published, key});
  }
  const bool news = !std::exchange(entry.told, true) || shown != entry.shown;
  entry.shown = std::move(shown);
  return news;
}

std::set<model::ObjectKey> StatusBook::released(std::int64_t now_ms) {
  std::set<model::ObjectKey> keys;
  if (data_plane_.any_worker) {
    for (const auto& [published, key] : waiting_) {
      if (published > data_plane_.acknowledged) break;
      keys.insert(key);
    }
    return keys;
  }
  if (now_ms < patience_ends_ms_) return keys;
  patience_ends_ms_ = kNever;
  for (const auto& [published, key] : waiting_) {
    const std::int64_t ends_ms = entries_.at(key)->put_ms + kPatienceMs;
    if (ends_ms <= now_ms) {
      keys.insert(key);
    } else {
      patience_ends_ms_ = std::min(patience_ends_ms_, ends_ms);
    }
  }
  return keys;
}

std::vector<model::ObjectKey> StatusBook::refresh(const DataPlane& data_plane,
                                                  std::int64_t now_ms) {
  const bool workers_changed = data_plane.any_worker != data_plane_.any_worker;
  const bool sockets_changed = data_plane.open_sockets != data_plane_.open_sockets ||
                               data_plane.failed_sockets != data_plane_.failed_sockets ||
                               data_plane.listeners_on != data_plane_.listeners_on;
  data_plane_ = data_plane;
  if (workers_changed) patience_ends_ms_ = now_ms;
  std::set<model::ObjectKey> due = released(now_ms);
  due.merge(std::exchange(fresh_, {}));
  if (workers_changed || sockets_changed) {
    for (const model::Kind kind : {model::Kind::kGateway, model::Kind::kListenerSet}) {
      for (auto it = entries_.lower_bound({kind, {}});
           it != entries_.end() && it->first.kind == kind; ++it) {
        due.insert(it->first);
      }
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
  if (!fresh_.empty()) return 0;
  if (data_plane_.any_worker || waiting_.empty()) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(patience_ends_ms_ - now_ms, 0, kPatienceMs));
}

}  // namespace sluice::status
