#include "controller/source/kube/status_writer.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/kube/known_objects.h"
#include "controller/kube/write.h"
#include "controller/source/kube/json_text.h"
#include "controller/source/kube/kinds.h"
#include "controller/telemetry/log.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kManager = "sluice";

std::int64_t wall_us() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

WriteResult result_of(kube::Outcome outcome) {
  switch (outcome) {
    case kube::Outcome::kOk:
      return WriteResult::kDone;
    case kube::Outcome::kConflict:
      return WriteResult::kConflict;
    case kube::Outcome::kNotFound:
      return WriteResult::kGone;
    default:
      return WriteResult::kFailed;
  }
}

const char* outcome_text(WriteResult result) {
  switch (result) {
    case WriteResult::kDone:
      return "done";
    case WriteResult::kConflict:
      return "conflict";
    case WriteResult::kGone:
      return "gone";
    case WriteResult::kFailed:
      break;
  }
  return "failed";
}

// Whether the answer to a write is newer than what the watch has told meanwhile.
bool is_news(const json& answer, const SeenObject* seen) {
  if (seen == nullptr) return false;
  const auto order =
      kube::compare_versions(text_at(answer, "/metadata/resourceVersion"), seen->resource_version);
  return order == std::strong_ordering::greater;
}

}  // namespace

StatusWriter::StatusWriter(kube::Calls& calls, const KubeObjects& objects, const Writer& writer,
                           Put put)
    : calls_(calls),
      objects_(objects),
      controller_name_(writer.controller_name),
      put_(std::move(put)),
      lease_(writer.lease, writer.identity),
      statuses_(writer.controller_name, [this](const model::ObjectKey& key) { return shown(key); }),
      events_(writer.controller_name) {}

void StatusWriter::start(std::uint64_t now_ms) {
  started_ = true;
  leftovers_at_ms_ = now_ms + kLeftoversMs;
}

void StatusWriter::touch(const model::ObjectKey& key, std::uint64_t now_ms) {
  if (!has_status(key.kind)) return;
  statuses_.touch(key, now_ms);
  if (objects_.find(key) == nullptr) refusals_.erase(key);
}

void StatusWriter::show(const model::ObjectKey& key, const json& status, std::uint64_t now_ms) {
  if (objects_.find(key) == nullptr) {
    shown_.erase(key);
    return;
  }
  shown_[key] = kept_text(status);
  statuses_.touch(key, now_ms);
}

std::optional<json> StatusWriter::shown(const model::ObjectKey& key) const {
  const auto found = shown_.find(key);
  if (found != shown_.end()) return std::make_optional<json>(parse_text(found->second));
  return all_known_ ? std::make_optional<json>(nullptr) : std::nullopt;
}

void StatusWriter::turn(std::uint64_t now_ms) {
  if (!started_) return;
  withdraw_leftovers(now_ms);
  look_after_lease(now_ms);
  if (!leads_) return;
  write_statuses(now_ms);
  write_events(now_ms);
}

void StatusWriter::withdraw_leftovers(std::uint64_t now_ms) {
  if (leftovers_at_ms_ == 0 || now_ms < leftovers_at_ms_) return;
  leftovers_at_ms_ = 0;
  all_known_ = true;
  for (const auto& [key, seen] : objects_.all()) {
    if (has_status(key.kind) && !shown_.contains(key)) statuses_.touch(key, now_ms);
  }
}

void StatusWriter::look_after_lease(std::uint64_t now_ms) {
  if (auto call = lease_.take_due(now_ms, wall_us())) {
    lease_call_ = calls_.submit(std::move(*call), now_ms);
  }
  if (lease_.held(now_ms) == leads_) return;
  leads_ = !leads_;
  log::info(leads_ ? "holding the Lease: this controller writes statuses"
                   : "not holding the Lease any more: statuses are another controller's",
            {{"holder", lease_.holder()}});
}

void StatusWriter::write_statuses(std::uint64_t now_ms) {
  for (const StatusWrite& write : statuses_.take(objects_, now_ms)) {
    const model::ObjectKey& key = write.key;
    const SeenObject& seen = *objects_.find(key);
    const kube::Resource resource = resource_of(key.kind, seen.version);
    kube::Call call = kube::merge_patch_status({resource, key.name.ns, key.name.name},
                                               parse_text(write.body), kManager);
    writes_[calls_.submit(std::move(call), now_ms)] = {key, seen.status};
  }
}

void StatusWriter::write_events(std::uint64_t now_ms) {
  for (Events::Due& due : events_.take_due(now_ms, wall_us()))
    event_calls_[calls_.submit(std::move(due.call), now_ms)] = due.number;
}

bool StatusWriter::take(const kube::CallResult& result, std::uint64_t now_ms) {
  if (result.id == lease_call_) {
    lease_call_.reset();
    lease_.settle(result, now_ms);
  } else if (const auto event = event_calls_.extract(result.id)) {
    events_.settle(event.mapped(), result);
  } else if (const auto write = writes_.extract(result.id)) {
    return take_answer(write.mapped(), result, now_ms);
  }
  return false;
}

bool StatusWriter::take_answer(const Write& write, const kube::CallResult& result,
                               std::uint64_t now_ms) {
  const WriteResult written = result_of(result.outcome);
  ++written_[outcome_text(written)];
  if (written == WriteResult::kDone) {
    tell_news(write, result.object, now_ms);
    if (is_news(result.object, objects_.find(write.key))) put_(write.key.kind, result.object);
  }
  statuses_.settle(write.key, written, now_ms);
  if (written != WriteResult::kFailed) return refusals_.erase(write.key) != 0;
  refusals_[write.key] = "its status cannot be written: " + result.message;
  return true;
}

void StatusWriter::tell_news(const Write& write, const json& object, std::uint64_t now_ms) {
  const json after = object.is_object() ? object.value("status", json()) : json();
  const std::string uid = text_at(object, "/metadata/uid");
  for (const News& news : news_between(parse_text(write.before), after, controller_name_))
    events_.tell(write.key, uid, news, now_ms);
}

std::optional<kube::CallId> StatusWriter::release(std::uint64_t now_ms) {
  auto call = lease_.release(now_ms, wall_us());
  if (!call) return std::nullopt;
  leads_ = false;
  return calls_.submit(std::move(*call), now_ms);
}

void StatusWriter::add_obstacles(std::vector<std::string>& all) const {
  if (!lease_.problem().empty()) all.push_back("leases: " + lease_.problem());
  if (!events_.problem().empty()) all.push_back("events: " + events_.problem());
}

std::vector<metrics::Metric> StatusWriter::metrics() const {
  metrics::Metric writes{"sluice_status_writes_total",
                         "Writes of statuses, by their outcome.",
                         metrics::Type::kCounter,
                         {}};
  for (const auto& [outcome, count] : written_)
    writes.samples.push_back({{{"outcome", outcome}}, static_cast<double>(count)});
  return {{"sluice_leader",
           "1: this controller holds the Lease and writes statuses.",
           metrics::Type::kGauge,
           {{{}, leads_ ? 1.0 : 0.0}}},
          std::move(writes)};
}

void StatusWriter::add_problems(std::vector<model::Problem>& all) const {
  for (const auto& [key, text] : refusals_)
    all.push_back({{}, key.text(), "", text});
}

int StatusWriter::timeout_ms(std::uint64_t now_ms) const {
  if (!started_) return kForEver;
  int timeout = lease_.timeout_ms(now_ms);
  if (leads_) timeout = sooner(timeout, statuses_.timeout_ms(now_ms));
  return leftovers_at_ms_ == 0 ? timeout : sooner(timeout, timeout_until(leftovers_at_ms_, now_ms));
}

}  // namespace sluice::source
