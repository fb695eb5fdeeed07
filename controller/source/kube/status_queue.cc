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

// The newest generation that any condition in it was observed at.
std::int64_t newest_observed(const json& status) {
  std::int64_t newest = number_at(status, "/observedGeneration");
  if (!status.is_structured()) return newest;
  for (const json& part : status)
    newest = std::max(newest, newest_observed(part));
  return newest;
}

// Whether something in it waits for nginx.
bool says_pending(const json& status) {
  if (!status.is_structured()) return false;
  if (text_at(status, "/reason") == "Pending") return true;
  return std::ranges::any_of(status, says_pending);
}

}  // namespace

StatusQueue::StatusQueue(std::string controller_name, StatusOf status_of)
    : controller_name_(std::move(controller_name)), status_of_(std::move(status_of)) {}

void StatusQueue::touch(const model::ObjectKey& key, std::uint64_t now_ms) {
  if (const auto found = under_way_.find(key); found != under_way_.end()) {
    found->second = true;
    return;
  }
  dirty_.touch(key, now_ms);
}

std::vector<StatusWrite> StatusQueue::take(const KubeObjects& objects, std::uint64_t now_ms) {
  std::vector<StatusWrite> writes;
  while (under_way_.size() < kMostWrites) {
    const std::optional<WriteOrder::Entry> next = dirty_.take(now_ms);
    if (!next) break;
    const SeenObject* const seen = objects.find(next->key);
    if (seen == nullptr) {
      last_.erase(next->key);
    } else if (auto write = make_write(*next, *seen, now_ms)) {
      under_way_.emplace(next->key, false);
      writes.push_back(std::move(*write));
    }
  }
  return writes;
}

// None: nothing is to be written, or not yet.
std::optional<StatusWrite> StatusQueue::make_write(const WriteOrder::Entry& entry,
                                                   const SeenObject& seen, std::uint64_t now_ms) {
  const std::optional<json> ours = status_of_(entry.key);
  if (!ours) return std::nullopt;
  note_pending(entry.key, *ours, now_ms);
  const json current = parse_text(seen.status);
  const auto merged = status::merge_status(current, *ours, controller_name_);
  if (!merged) return std::nullopt;
  const std::int64_t generation = number_at(parse_text(seen.text), "/metadata/generation");
  // What was observed at a generation that the object never had is of another one of its name.
  if (newest_observed(*ours) > generation) return std::nullopt;
  Last& last = last_[entry.key];
  if (const std::uint64_t at_ms = not_before(last, generation); now_ms < at_ms) {
    dirty_.put_back(entry, at_ms);
    return std::nullopt;
  }
  last.generation = generation;
  last.at_ms = now_ms;
  const json patch = {{"metadata", {{"resourceVersion", seen.resource_version}, {"uid", seen.uid}}},
                      {"status", json::parse(merged->text)}};
  return StatusWrite{entry.key, patch.dump()};
}

void StatusQueue::note_pending(const model::ObjectKey& key, const json& ours,
                               std::uint64_t now_ms) {
  if (!says_pending(ours)) {
    if (const auto found = last_.find(key); found != last_.end()) found->second.pending_ms = 0;
  } else if (Last& last = last_[key]; last.pending_ms == 0) {
    last.pending_ms = now_ms;
  }
}

std::uint64_t StatusQueue::not_before(const Last& last, std::int64_t generation) {
  const bool paused = last.at_ms != 0 && last.generation == generation;
  return std::max(paused ? last.at_ms + kPauseMs : 0,
                  last.pending_ms != 0 ? last.pending_ms + kPendingMs : 0);
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
      dirty_.touch(key, touched ? now_ms : now_ms + kConflictMs);
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
      dirty_.touch(key, now_ms + last.retry_ms);
      return;
  }
}

int StatusQueue::timeout_ms(std::uint64_t now_ms) const {
  return under_way_.size() >= kMostWrites ? kForEver : dirty_.timeout_ms(now_ms);
}

}  // namespace sluice::source
