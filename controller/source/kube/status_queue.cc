#include "controller/source/kube/status_queue.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/source/kube/json_text.h"
#include "controller/status/merge.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using nlohmann::json;

// Classes, then Gateways, then ListenerSets, then all others.
int rank(model::Kind kind) {
  return std::min(static_cast<int>(kind), 3);
}

// The newest generation that any condition in it was observed at.
std::int64_t newest_observed(const json& status) {
  std::int64_t newest = number_at(status, "/observedGeneration");
  if (!status.is_structured()) return newest;
  for (const json& part : status)
    newest = std::max(newest, newest_observed(part));
  return newest;
}

}  // namespace

StatusQueue::StatusQueue(std::string controller_name, StatusOf status_of)
    : controller_name_(std::move(controller_name)), status_of_(std::move(status_of)) {}

void StatusQueue::touch(const model::ObjectKey& key, std::uint64_t now_ms) {
  if (const auto found = under_way_.find(key); found != under_way_.end()) {
    found->second = true;
    return;
  }
  dirty_[key] = {++touches_, now_ms};
}

std::vector<model::ObjectKey> StatusQueue::due(std::uint64_t now_ms) const {
  std::vector<std::pair<model::ObjectKey, std::uint64_t>> found;
  for (const auto& [key, dirty] : dirty_) {
    if (dirty.at_ms <= now_ms) found.emplace_back(key, dirty.touched);
  }
  std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    const int one = rank(left.first.kind);
    const int other = rank(right.first.kind);
    return one != other ? one < other : left.second > right.second;
  });
  std::vector<model::ObjectKey> keys;
  keys.reserve(found.size());
  for (auto& [key, touched] : found)
    keys.push_back(std::move(key));
  return keys;
}

std::vector<StatusWrite> StatusQueue::take(const KubeObjects& objects, std::uint64_t now_ms) {
  std::vector<StatusWrite> writes;
  if (under_way_.size() >= kMostWrites) return writes;
  for (const model::ObjectKey& key : due(now_ms)) {
    if (under_way_.size() >= kMostWrites) break;
    const SeenObject* const seen = objects.find(key);
    if (seen == nullptr) {
      dirty_.erase(key);
      last_.erase(key);
      continue;
    }
    if (auto write = make_write(key, *seen, now_ms)) {
      under_way_.emplace(key, false);
      writes.push_back(std::move(*write));
    }
  }
  return writes;
}

// None: nothing is to be written, or not yet.
std::optional<StatusWrite> StatusQueue::make_write(const model::ObjectKey& key,
                                                   const SeenObject& seen, std::uint64_t now_ms) {
  const std::optional<json> ours = status_of_(key);
  const std::int64_t generation = number_at(parse_text(seen.text), "/metadata/generation");
  // What was observed at a generation that the object never had is of another one of its name.
  if (!ours || newest_observed(*ours) > generation) {
    dirty_.erase(key);
    return std::nullopt;
  }
  const json current = parse_text(seen.status);
  const auto merged = status::merge_status(current, *ours, controller_name_);
  if (!merged) {
    dirty_.erase(key);
    return std::nullopt;
  }
  Last& last = last_[key];
  const bool paused = last.at_ms != 0 && last.generation == generation;
  if (paused && now_ms < last.at_ms + kPauseMs) {
    dirty_[key].at_ms = last.at_ms + kPauseMs;
    return std::nullopt;
  }
  last.generation = generation;
  last.at_ms = now_ms;
  dirty_.erase(key);
  const json patch = {{"metadata", {{"resourceVersion", seen.resource_version}, {"uid", seen.uid}}},
                      {"status", json::parse(merged->text)}};
  return StatusWrite{key, patch.dump()};
}

void StatusQueue::settle(const model::ObjectKey& key, WriteResult result, std::uint64_t now_ms) {
  const auto found = under_way_.find(key);
  if (found == under_way_.end()) return;
  const bool touched = found->second;
  under_way_.erase(found);
  Last& last = last_[key];
  switch (result) {
    case WriteResult::kDone:
      last.retry_ms = 0;
      if (touched) touch(key, now_ms);
      return;
    case WriteResult::kConflict:
      // The newer version touches the key when it comes; if it came already, that was noted.
      dirty_[key] = {++touches_, touched ? now_ms : now_ms + kConflictMs};
      return;
    case WriteResult::kGone:
      if (touched) {
        touch(key, now_ms);
      } else {
        last_.erase(key);
      }
      return;
    case WriteResult::kFailed:
      last.retry_ms = std::clamp(last.retry_ms * 2, kFirstRetryMs, kLastRetryMs);
      dirty_[key] = {++touches_, now_ms + last.retry_ms};
      return;
  }
}

int StatusQueue::timeout_ms(std::uint64_t now_ms) const {
  if (dirty_.empty() || under_way_.size() >= kMostWrites) return -1;
  const auto first = std::min_element(
      dirty_.begin(), dirty_.end(),
      [](const auto& left, const auto& right) { return left.second.at_ms < right.second.at_ms; });
  return timeout_until(first->second.at_ms, now_ms);
}

}  // namespace sluice::source
