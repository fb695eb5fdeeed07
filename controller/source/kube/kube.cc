#include "controller/source/kube/kube.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/write.h"
#include "controller/source/kube/bodies.h"
#include "controller/source/kube/kinds.h"
#include "controller/source/kube/objects.h"
#include "controller/source/kube/references.h"
#include "controller/source/kube/status_queue.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr const char* kManager = "sluice";
constexpr std::uint64_t kLeftoversMs = 10'000;

// Milliseconds as epoll_wait() takes them: -1 is for ever.
int sooner(int left, int right) {
  if (left < 0) return right;
  return right < 0 ? left : std::min(left, right);
}

bool has_status(model::Kind kind) {
  switch (kind) {
    case model::Kind::kGatewayClass:
    case model::Kind::kGateway:
    case model::Kind::kHttpRoute:
    case model::Kind::kGrpcRoute:
    case model::Kind::kBackendTlsPolicy:
      return true;
    default:
      return false;
  }
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

class KubeSource final : public Source {
 public:
  KubeSource(const KubeOptions& options, std::unique_ptr<kube::Client> client)
      : client_(std::move(client)),
        statuses_(options.controller_name,
                  [this](const model::ObjectKey& key) { return shown_status(key); }) {
    for (const FollowedKind& kind : followed_kinds())
      follow(kind);
  }

  int fd() const override { return client_->fd(); }

  int timeout_ms() const override;
  Batch poll(std::uint64_t now_ms) override;

  Batch rescan() override { return poll(now_ms_); }

  std::vector<model::Problem> problems() const override;

  std::vector<model::Problem> warnings() const override { return objects_.warnings(); }

  std::vector<std::string> ignored() const override { return {}; }

  std::string object_json(const model::ObjectKey& key) const override {
    const SeenObject* const seen = objects_.find(key);
    return seen == nullptr ? "" : seen->text;
  }

  std::string status_text(const model::ObjectKey& key) const override {
    const SeenObject* const seen = objects_.find(key);
    return seen == nullptr ? "" : seen->status;
  }

  void show_status(const model::ObjectKey& key, const json& status) override;

 private:
  struct Watch {
    FollowedKind kind;
    kube::Reflector* reflector;
  };

  void follow(const FollowedKind& kind);
  void take_event(const FollowedKind& kind, kube::WatchEvent event);
  void take_result(const kube::CallResult& result);
  void take_body(const model::ObjectKey& key, const kube::CallResult& result);
  void take(std::optional<model::Change> change);
  void put(model::Kind kind, json object);
  void remove(const model::ObjectKey& key);
  void fetch_bodies();
  void write_statuses();
  std::optional<json> shown_status(const model::ObjectKey& key) const;
  void withdraw_leftovers();
  bool may_tell();
  std::vector<std::string> obstacles() const;

  int until(std::uint64_t at_ms) const {
    return at_ms <= now_ms_ ? 0 : static_cast<int>(at_ms - now_ms_);
  }

  std::unique_ptr<kube::Client> client_;
  std::vector<Watch> watches_;
  KubeObjects objects_;
  References references_;
  Bodies bodies_;
  StatusQueue statuses_;
  std::map<model::ObjectKey, std::string> shown_;  // our statuses, as JSON
  std::map<kube::CallId, model::ObjectKey> fetches_;
  std::map<kube::CallId, model::ObjectKey> writes_;
  std::map<model::ObjectKey, std::string> refusals_;  // of writes and fetches, for people

  std::vector<model::Change> changes_;
  std::vector<std::string> told_obstacles_;
  bool problems_changed_ = true;
  std::uint64_t now_ms_ = 0;
  std::uint64_t held_since_ms_ = 0;    // 0: nothing is held back
  std::uint64_t leftovers_at_ms_ = 0;  // 0: not told yet what there is, or done
  bool complete_ = false;
  bool all_known_ = false;  // what has no status of ours by now has none
};

void KubeSource::follow(const FollowedKind& kind) {
  kube::Reflector& reflector = client_->watch({.resource = resource_of(kind.kind),
                                               .kind = std::string(model::kind_name(kind.kind)),
                                               .form = kind.form});
  watches_.push_back({kind, &reflector});
}

Batch KubeSource::poll(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  client_->poll(now_ms);
  for (const kube::CallResult& result : client_->calls().take_results())
    take_result(result);
  for (const Watch& watch : watches_) {
    for (kube::WatchEvent& event : watch.reflector->take_events())
      take_event(watch.kind, std::move(event));
  }
  for (const model::ObjectKey& key : references_.take_changes())
    bodies_.name(key, references_.contains(key));
  for (const model::ObjectKey& key : bodies_.take_dropped())
    remove(key);
  fetch_bodies();
  withdraw_leftovers();
  write_statuses();
  Batch batch;
  if (may_tell()) batch.changes = std::exchange(changes_, {});
  batch.waiting = !complete_;
  std::vector<std::string> now = obstacles();
  problems_changed_ |= now != told_obstacles_;
  told_obstacles_ = std::move(now);
  batch.problems_changed = std::exchange(problems_changed_, false);
  return batch;
}

std::optional<json> KubeSource::shown_status(const model::ObjectKey& key) const {
  const auto found = shown_.find(key);
  if (found != shown_.end()) {
    return std::make_optional<json>(json::parse(found->second, nullptr, false));
  }
  return all_known_ ? std::make_optional<json>(nullptr) : std::nullopt;
}

// Entries that an earlier process wrote into objects that are not ours any more.
void KubeSource::withdraw_leftovers() {
  if (leftovers_at_ms_ == 0 || now_ms_ < leftovers_at_ms_) return;
  leftovers_at_ms_ = 0;
  all_known_ = true;
  for (const auto& [key, seen] : objects_.all()) {
    if (has_status(key.kind) && !shown_.contains(key)) statuses_.touch(key, now_ms_);
  }
}

bool KubeSource::may_tell() {
  const bool whole = bodies_.complete();
  if (!complete_ && whole && client_->settled()) {
    complete_ = true;
    leftovers_at_ms_ = now_ms_ + kLeftoversMs;
  }
  if (!complete_ || changes_.empty()) return false;
  if (held_since_ms_ == 0) held_since_ms_ = now_ms_;
  if (!whole && now_ms_ < held_since_ms_ + kHoldMs) return false;
  held_since_ms_ = 0;
  return true;
}

void KubeSource::take(std::optional<model::Change> change) {
  if (!change) return;
  references_.apply(*change);
  changes_.push_back(std::move(*change));
}

void KubeSource::put(model::Kind kind, json object) {
  take(objects_.put(kind, std::move(object)));
  problems_changed_ = true;
}

void KubeSource::remove(const model::ObjectKey& key) {
  take(objects_.remove(key));
  refusals_.erase(key);
  problems_changed_ = true;
}

void KubeSource::take_event(const FollowedKind& kind, kube::WatchEvent event) {
  const model::ObjectKey key{kind.kind, {event.object.ns, event.object.name}};
  const bool is_put = event.kind == kube::EventKind::kPut;
  if (kind.form == kube::Form::kMetadata) {
    if (is_put) return bodies_.put(key, event.object.resource_version);
    return bodies_.remove(key);
  }
  if (!is_put) return remove(key);
  put(kind.kind, std::move(event.json));
  if (has_status(kind.kind)) statuses_.touch(key, now_ms_);
}

void KubeSource::take_result(const kube::CallResult& result) {
  if (auto fetch = fetches_.extract(result.id)) return take_body(fetch.mapped(), result);
  auto write = writes_.extract(result.id);
  if (!write) return;
  const model::ObjectKey& key = write.mapped();
  const WriteResult written = result_of(result.outcome);
  problems_changed_ = true;
  if (written == WriteResult::kDone) put(key.kind, result.object);
  if (written == WriteResult::kFailed) {
    refusals_[key] = "its status cannot be written: " + result.message;
  } else {
    refusals_.erase(key);
  }
  statuses_.settle(key, written, now_ms_);
}

void KubeSource::take_body(const model::ObjectKey& key, const kube::CallResult& result) {
  problems_changed_ = true;
  if (result.outcome == kube::Outcome::kNotFound) return bodies_.gone(key);
  if (result.outcome != kube::Outcome::kOk) {
    refusals_[key] = "cannot be read: " + result.message;
    return bodies_.failed(key, now_ms_);
  }
  refusals_.erase(key);
  const json& metadata = result.object.contains("metadata") ? result.object.at("metadata") : json();
  const std::string version = metadata.value("resourceVersion", "");
  if (bodies_.have(key, version, now_ms_)) put(key.kind, result.object);
}

void KubeSource::fetch_bodies() {
  for (const model::ObjectKey& key : bodies_.take_due(now_ms_)) {
    kube::Call call = kube::fetch(resource_of(key.kind), key.name.ns, key.name.name);
    fetches_[client_->calls().submit(std::move(call), now_ms_)] = key;
  }
}

void KubeSource::write_statuses() {
  if (!complete_) return;
  for (const StatusWrite& write : statuses_.take(objects_, now_ms_)) {
    const model::ObjectKey& key = write.key;
    kube::Call call = kube::merge_patch_status({resource_of(key.kind), key.name.ns, key.name.name},
                                               json::parse(write.body), kManager);
    writes_[client_->calls().submit(std::move(call), now_ms_)] = key;
  }
}

void KubeSource::show_status(const model::ObjectKey& key, const json& status) {
  if (objects_.find(key) == nullptr) {
    shown_.erase(key);
    return;
  }
  shown_[key] = status.dump();
  statuses_.touch(key, now_ms_);
}

std::vector<std::string> KubeSource::obstacles() const {
  std::vector<std::string> all;
  if (!client_->problem().empty()) all.push_back(client_->problem());
  for (const Watch& watch : watches_) {
    const bool missed = watch.reflector->state() != kube::WatchState::kAbsent;
    if (watch.reflector->problem().empty() || (watch.kind.optional && !missed)) continue;
    all.push_back(std::string(watch.kind.plural) + ": " + watch.reflector->problem());
  }
  return all;
}

std::vector<model::Problem> KubeSource::problems() const {
  std::vector<model::Problem> all = objects_.problems();
  for (const std::string& text : obstacles())
    all.push_back({{}, "", "", text});
  for (const auto& [key, text] : refusals_)
    all.push_back({{}, key.text(), "", text});
  std::sort(all.begin(), all.end());
  return all;
}

int KubeSource::timeout_ms() const {
  int timeout = client_->timeout_ms(now_ms_);
  timeout = sooner(timeout, bodies_.timeout_ms(now_ms_));
  if (complete_) timeout = sooner(timeout, statuses_.timeout_ms(now_ms_));
  if (held_since_ms_ != 0) timeout = sooner(timeout, until(held_since_ms_ + kHoldMs));
  if (leftovers_at_ms_ != 0) timeout = sooner(timeout, until(leftovers_at_ms_));
  return timeout;
}

}  // namespace

Result<std::unique_ptr<Source>> open_kubernetes(const KubeOptions& options) {
  kube::ClientOptions client_options{.choice = options.cluster,
                                     .user_agent = "sluice-controller/" + options.version,
                                     .seed = static_cast<std::uint64_t>(::getpid())};
  auto client = kube::Client::open(client_options, kube::Surroundings::of_process());
  if (!client) return tl::unexpected<Error>(std::move(client.error()));
  return std::unique_ptr<Source>(std::make_unique<KubeSource>(options, std::move(*client)));
}

}  // namespace sluice::source
