#include "controller/source/kube/kube.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/source/kube/bodies.h"
#include "controller/source/kube/crds.h"
#include "controller/source/kube/identity.h"
#include "controller/source/kube/json_text.h"
#include "controller/source/kube/kinds.h"
#include "controller/source/kube/objects.h"
#include "controller/source/kube/owned_writer.h"
#include "controller/source/kube/references.h"
#include "controller/source/kube/snapshot.h"
#include "controller/source/kube/status_writer.h"
#include "shared/base/hash.h"
#include "shared/base/timeout.h"

namespace sluice::source {

namespace {

using nlohmann::json;

constexpr std::uint64_t kCloseMs = 1000;
constexpr int kClosePollMs = 20;
constexpr const char* kSystemNamespace = "sluice-system";  // packaging/kubernetes

Bodies::Failure failure_of(kube::Outcome outcome) {
  switch (outcome) {
    case kube::Outcome::kForbidden:
    case kube::Outcome::kInvalid:
      return Bodies::Failure::kRefused;
    default:
      return Bodies::Failure::kNoAnswer;
  }
}

// One for all controllers of a name: in the namespace that we live in.
LeasePlace lease_place(const kube::Cluster& cluster, const std::string& controller_name) {
  return {cluster.ns.empty() ? kSystemNamespace : cluster.ns,
          fmt::format("sluice-{:016x}", content_hash128(controller_name)[0])};
}

class KubeSource final : public Source {
 public:
  KubeSource(const KubeOptions& options, std::unique_ptr<kube::Client> client,
             const std::string& identity)
      : client_(std::move(client)),
        crds_(*client_),
        snapshot_({options.state_directory + "/snapshot", options.controller_name,
                   client_->cluster().server, options.snapshot_secrets}),
        may_restore_(options.nothing_serves),
        writer_(client_->calls(), objects_,
                {options.controller_name, identity,
                 lease_place(client_->cluster(), options.controller_name)},
                [this](model::Kind kind, json object) { put(kind, std::move(object)); }),
        owned_(client_->calls(), objects_, options.controller_name, options.port_offset) {
    for (const FollowedKind& kind : followed_kinds())
      crds_.look_after(follow(kind, model::preferred_version(kind.kind)));
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

  void show_addresses(const model::ObjectKey& gateway,
                      const std::vector<std::string>& addresses) override {
    owned_.show_addresses(gateway, addresses);
  }

  void show_status(const model::ObjectKey& key, const json& status) override;
  void close(std::uint64_t now_ms) override;

  std::vector<metrics::Metric> metrics() const override { return writer_.metrics(); }

 private:
  struct Watch {
    FollowedKind kind;
    kube::Reflector* reflector;
  };

  kube::Reflector& follow(const FollowedKind& kind, std::string_view version);
  void choose_versions();
  void take_event(const FollowedKind& kind, kube::WatchEvent event);
  void take_result(const kube::CallResult& result);
  void take_body(const model::ObjectKey& key, const kube::CallResult& result);
  void take(std::optional<model::Change> change);
  void put(model::Kind kind, json object);
  void note(const model::ObjectKey& key);
  void remove(const model::ObjectKey& key);
  void fetch_bodies();
  bool may_tell();
  bool restore();
  bool has_listed(model::Kind kind) const;
  void let_go_of_restored();
  std::vector<std::string> obstacles() const;
  void tell_api(Batch& batch);
  std::set<model::Kind> absent_kinds() const;

  std::unique_ptr<kube::Client> client_;
  Crds crds_;
  std::vector<Watch> watches_;
  KubeObjects objects_;
  References references_;
  Bodies bodies_;
  Snapshot snapshot_;
  std::set<model::ObjectKey> restored_;  // of the snapshot, and not yet of the API server
  bool may_restore_;
  StatusWriter writer_;
  OwnedWriter owned_;
  std::map<kube::CallId, model::ObjectKey> fetches_;
  std::map<model::ObjectKey, std::string> refusals_;  // of fetches, for people

  std::vector<model::Change> changes_;
  std::vector<model::ObjectKey> records_;
  std::vector<std::string> told_obstacles_;
  std::optional<model::InstalledApi> told_api_;
  bool problems_changed_ = true;
  std::uint64_t now_ms_ = 0;
  std::uint64_t started_ms_ = 0;
  std::uint64_t held_since_ms_ = 0;  // 0: nothing is held back
  bool complete_ = false;
  bool outdated_ = false;  // the snapshot was told
};

kube::Reflector& KubeSource::follow(const FollowedKind& kind, std::string_view version) {
  kube::Reflector& reflector = client_->watch({.resource = resource_of(kind.kind, version),
                                               .kind = std::string(model::kind_name(kind.kind)),
                                               .form = kind.form});
  watches_.push_back({kind, &reflector});
  return reflector;
}

// Where the preferred version is not served the older one is followed instead, until it is.
void KubeSource::choose_versions() {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const Watch watch = watches_[i];
    if (watch.kind.older == nullptr) continue;
    const auto older = std::ranges::find_if(watches_, [&](const Watch& each) {
      return each.kind.kind == watch.kind.kind && each.reflector != watch.reflector;
    });
    if (older == watches_.end() && watch.reflector->state() == kube::WatchState::kAbsent) {
      FollowedKind kind = watch.kind;
      kind.older = nullptr;
      follow(kind, watch.kind.older);
      watches_[i].kind.optional = true;  // the other one says it when both are missing
    } else if (older != watches_.end() && watch.reflector->synced()) {
      client_->unwatch(*older->reflector);
      watches_.erase(older);
      return;
    }
  }
}

Batch KubeSource::poll(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  if (started_ms_ == 0) started_ms_ = now_ms;
  client_->poll(now_ms);
  for (const kube::CallResult& result : client_->calls().take_results())
    take_result(result);
  for (const Watch& watch : watches_) {
    for (kube::WatchEvent& event : watch.reflector->take_events())
      take_event(watch.kind, std::move(event));
  }
  choose_versions();
  crds_.turn(now_ms);
  for (const model::ObjectKey& key : references_.take_changes())
    bodies_.name(key, references_.contains(key));
  for (const model::ObjectKey& key : bodies_.take_dropped())
    remove(key);
  fetch_bodies();
  writer_.turn(now_ms);
  owned_.turn(now_ms, writer_.leads());
  Batch batch;
  if (may_tell()) batch.changes = std::exchange(changes_, {});
  batch.records = std::exchange(records_, {});
  batch.waiting = !complete_ && !outdated_;
  batch.outdated = outdated_;
  problems_changed_ |= snapshot_.turn(objects_, now_ms);
  tell_api(batch);
  std::vector<std::string> now = obstacles();
  problems_changed_ |= now != told_obstacles_;
  told_obstacles_ = std::move(now);
  batch.problems_changed = std::exchange(problems_changed_, false);
  return batch;
}

bool KubeSource::may_tell() {
  const bool whole = bodies_.complete();
  if (!complete_ && whole && client_->settled()) {
    complete_ = true;
    outdated_ = false;
    writer_.start(now_ms_);
    owned_.start(now_ms_);
    snapshot_.start(objects_, now_ms_);
  }
  if (!complete_) return restore();
  let_go_of_restored();
  if (changes_.empty()) return false;
  if (held_since_ms_ == 0) held_since_ms_ = now_ms_;
  if (!whole && now_ms_ < held_since_ms_ + kHoldMs) return false;
  held_since_ms_ = 0;
  return true;
}

// What the API server has told already is newer.
bool KubeSource::restore() {
  if (!may_restore_ || now_ms_ < started_ms_ + kPatienceMs) return false;
  may_restore_ = false;
  snapshot_.read([this](const model::ObjectKey& key, json object) {
    if (objects_.find(key) != nullptr || has_listed(key.kind)) return;
    put(key.kind, std::move(object));
    restored_.insert(key);
  });
  for (const Watch& watch : watches_) {
    const auto of_kind = [&](const model::ObjectKey& key) { return key.kind == watch.kind.kind; };
    if (std::ranges::any_of(restored_, of_kind)) watch.reflector->expect_objects();
  }
  outdated_ = !restored_.empty();
  problems_changed_ = true;
  return outdated_;
}

// Of Secrets and ConfigMaps the list has no bodies.
bool KubeSource::has_listed(model::Kind kind) const {
  return std::ranges::any_of(watches_, [kind](const Watch& watch) {
    return watch.kind.kind == kind && watch.kind.form == kube::Form::kWhole &&
           watch.reflector->synced();
  });
}

// What may not be read just now stays, as it would without a restart.
void KubeSource::let_go_of_restored() {
  const std::set<model::ObjectKey> restored = restored_;
  for (const model::ObjectKey& key : restored) {
    const bool hidden = std::ranges::any_of(watches_, [&key](const Watch& watch) {
      return watch.kind.kind == key.kind && !watch.reflector->synced() &&
             watch.reflector->state() == kube::WatchState::kForbidden;
    });
    if (!hidden && !refusals_.contains(key)) remove(key);
  }
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

// The API server told of it.
void KubeSource::note(const model::ObjectKey& key) {
  restored_.erase(key);
  snapshot_.touch(key, now_ms_);
}

void KubeSource::remove(const model::ObjectKey& key) {
  take(objects_.remove(key));
  refusals_.erase(key);
  note(key);
  writer_.touch(key, now_ms_);  // so that it is forgotten there too
  owned_.touch(key);
  problems_changed_ = true;
}

void KubeSource::take_event(const FollowedKind& kind, kube::WatchEvent event) {
  const model::ObjectKey key{kind.kind, {event.object.ns, event.object.name}};
  const bool is_put = event.kind == kube::EventKind::kPut;
  if (kind.form == kube::Form::kMetadata) {
    if (is_put) return bodies_.put(key, event.object.resource_version);
    bodies_.remove(key);
    if (restored_.contains(key)) remove(key);
    return;
  }
  if (!is_put) return remove(key);
  put(kind.kind, std::move(event.json));
  note(key);
  writer_.touch(key, now_ms_);
  owned_.touch(key);
  if (kind.kind == model::Kind::kGateway && !writer_.leads()) records_.push_back(key);
}

void KubeSource::take_result(const kube::CallResult& result) {
  if (auto fetch = fetches_.extract(result.id)) return take_body(fetch.mapped(), result);
  problems_changed_ |= owned_.take(result);
  problems_changed_ |= writer_.take(result, now_ms_);
}

void KubeSource::take_body(const model::ObjectKey& key, const kube::CallResult& result) {
  problems_changed_ = true;
  if (result.outcome == kube::Outcome::kNotFound) return bodies_.gone(key);
  if (result.outcome != kube::Outcome::kOk) {
    refusals_[key] = "cannot be read: " + result.message;
    return bodies_.failed(key, failure_of(result.outcome), now_ms_);
  }
  refusals_.erase(key);
  if (!bodies_.have(key, text_at(result.object, "/metadata/resourceVersion"), now_ms_)) return;
  put(key.kind, result.object);
  note(key);
}

void KubeSource::fetch_bodies() {
  for (const model::ObjectKey& key : bodies_.take_due(now_ms_)) {
    kube::Call call = kube::fetch(resource_of(key.kind), key.name.ns, key.name.name);
    fetches_[client_->calls().submit(std::move(call), now_ms_)] = key;
  }
}

void KubeSource::close(std::uint64_t now_ms) {
  snapshot_.flush(objects_);
  const std::optional<kube::CallId> released = writer_.release(now_ms);
  if (!released) return;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t passed_ms = 0; passed_ms < kCloseMs;) {
    client_->poll(now_ms + passed_ms);
    for (const kube::CallResult& result : client_->calls().take_results()) {
      if (result.id == released) return;
    }
    pollfd event{client_->fd(), POLLIN, 0};
    ::poll(&event, 1, kClosePollMs);
    const auto passed = std::chrono::steady_clock::now() - start;
    passed_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
  }
}

void KubeSource::show_status(const model::ObjectKey& key, const json& status) {
  writer_.show(key, status, now_ms_);
  if (key.kind != model::Kind::kGateway) return;
  owned_.show(key, !status.is_null());
  problems_changed_ |= owned_.touch(key);
}

void KubeSource::tell_api(Batch& batch) {
  if (!complete_) return;
  const model::InstalledApi& of_crds = crds_.gateway_api();
  std::set<model::Kind> absent = absent_kinds();
  if (told_api_ && told_api_->bundles == of_crds.bundles &&
      told_api_->releases == of_crds.releases && told_api_->absent == absent) {
    return;
  }
  told_api_ = {of_crds.bundles, of_crds.releases, std::move(absent)};
  batch.api = told_api_;
}

// A kind that is followed in two versions is absent when both are.
std::set<model::Kind> KubeSource::absent_kinds() const {
  std::set<model::Kind> absent;
  const auto is_absent = [](const Watch& watch) {
    return watch.reflector->state() == kube::WatchState::kAbsent;
  };
  for (const Watch& watch : watches_) {
    if (is_absent(watch)) absent.insert(watch.kind.kind);
  }
  for (const Watch& watch : watches_) {
    if (!is_absent(watch)) absent.erase(watch.kind.kind);
  }
  return absent;
}

std::vector<std::string> KubeSource::obstacles() const {
  std::vector<std::string> all;
  if (!client_->problem().empty()) all.push_back(client_->problem());
  writer_.add_obstacles(all);
  snapshot_.add_problems(all);
  if (outdated_) all.push_back("the API server has not told its objects yet: the snapshot serves");
  if (!crds_.problem().empty()) all.push_back("customresourcedefinitions: " + crds_.problem());
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
  writer_.add_problems(all);
  owned_.add_problems(all);
  std::sort(all.begin(), all.end());
  return all;
}

int KubeSource::timeout_ms() const {
  int timeout = client_->timeout_ms(now_ms_);
  timeout = sooner(timeout, crds_.timeout_ms(now_ms_));
  timeout = sooner(timeout, bodies_.timeout_ms(now_ms_));
  timeout = sooner(timeout, snapshot_.timeout_ms(now_ms_));
  if (!complete_ && may_restore_)
    timeout = sooner(timeout, timeout_until(started_ms_ + kPatienceMs, now_ms_));
  if (held_since_ms_ != 0)
    timeout = sooner(timeout, timeout_until(held_since_ms_ + kHoldMs, now_ms_));
  timeout = sooner(timeout, owned_.timeout_ms(now_ms_, writer_.leads()));
  return sooner(timeout, writer_.timeout_ms(now_ms_));
}

}  // namespace

Result<std::unique_ptr<Source>> open_kubernetes(const KubeOptions& options) {
  kube::ClientOptions client_options{.choice = options.cluster,
                                     .user_agent = "sluice-controller/" + options.version,
                                     .seed = static_cast<std::uint64_t>(::getpid())};
  auto client = kube::Client::open(client_options, kube::Surroundings::of_process());
  if (!client) return tl::unexpected<Error>(std::move(client.error()));
  const Result<std::string> identity = identity_in(options.state_directory);
  if (!identity) return tl::unexpected<Error>(identity.error());
  return std::unique_ptr<Source>(
      std::make_unique<KubeSource>(options, std::move(*client), *identity));
}

}  // namespace sluice::source
