// The API client against the API server that KUBECONFIG names, which it may fill with ConfigMaps.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/kube/client.h"
#include "controller/kube/write.h"

namespace sluice::kube {
namespace {

using ::testing::HasSubstr;

const Resource kConfigMaps = {"v1", "configmaps"};
constexpr const char* kManager = "sluice-live";

class LiveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Client::open({{}, "sluice-live", 1}, Surroundings::of_process());
    ASSERT_TRUE(opened) << opened.error().message;
    client_ = std::move(*opened);
  }

  static std::uint64_t now_ms() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }

  // Waits as the controller does.
  bool turn_until(const std::function<bool()>& done, std::uint64_t seconds = 30) {
    const std::uint64_t end_ms = now_ms() + seconds * 1000;
    while (true) {
      client_->poll(now_ms());
      ++polls_;
      take();
      if (done()) return true;
      const std::uint64_t now = now_ms();
      if (now >= end_ms) return false;
      const int left = static_cast<int>(end_ms - now);
      const int timeout = client_->timeout_ms(now);
      pollfd waiting{client_->fd(), POLLIN, 0};
      ::poll(&waiting, 1, timeout < 0 ? left : std::min(timeout, left));
    }
  }

  void take() {
    if (watch_ == nullptr) return;
    for (WatchEvent& event : watch_->take_events()) {
      ++events_;
      if (event.kind == EventKind::kPut) {
        objects_[event.object.name] = std::move(event.json);
      } else {
        objects_.erase(event.object.name);
      }
    }
  }

  void watch_config_maps(Form form) {
    watch_ = &client_->watch({.resource = kConfigMaps,
                              .kind = "ConfigMap",
                              .form = form,
                              .ns = "default",
                              .page_objects = 50});
    ASSERT_TRUE(turn_until([&] { return watch_->synced(); })) << watch_->problem();
  }

  CallResult call(Call call) {
    client_->calls().submit(std::move(call), now_ms());
    std::vector<CallResult> results;
    turn_until([&] {
      results = client_->calls().take_results();
      return !results.empty();
    });
    return results.empty() ? CallResult() : results.front();
  }

  static nlohmann::json config_map(const std::string& name) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}}},
            {"data", {{"key", "value"}}}};
  }

  static ObjectPlace place(const std::string& name) { return {kConfigMaps, "default", name}; }

  std::unique_ptr<Client> client_;
  Reflector* watch_ = nullptr;
  std::map<std::string, nlohmann::json> objects_;
  std::size_t events_ = 0;
  std::size_t polls_ = 0;
};

TEST_F(LiveTest, AnObjectIsMadeChangedAppliedFetchedAndRemovedAndEveryStepIsWatched) {
  watch_config_maps(Form::kWhole);
  const std::string name = "live-steps";
  CallResult made = call(create(place(name), config_map(name), kManager));
  ASSERT_EQ(made.outcome, Outcome::kOk) << made.message;
  EXPECT_TRUE(turn_until([&] { return objects_.contains(name); }));
  EXPECT_EQ(objects_[name]["kind"], "ConfigMap");
  EXPECT_EQ(objects_[name]["apiVersion"], "v1");

  CallResult again = call(create(place(name), config_map(name), kManager));
  EXPECT_EQ(again.outcome, Outcome::kConflict);
  EXPECT_EQ(again.reason, "AlreadyExists");

  const nlohmann::json stale = {{"metadata", {{"resourceVersion", "1"}}}, {"data", {{"a", "b"}}}};
  EXPECT_EQ(call(merge_patch(place(name), stale, kManager)).outcome, Outcome::kConflict);
  CallResult merged = call(merge_patch(place(name), {{"data", {{"key", "new"}}}}, kManager));
  ASSERT_EQ(merged.outcome, Outcome::kOk) << merged.message;
  EXPECT_TRUE(turn_until([&] { return objects_[name]["data"]["key"] == "new"; }));

  nlohmann::json fields = config_map(name);
  fields["data"]["key"] = "applied";
  EXPECT_EQ(call(apply(place(name), fields, "another", Ownership::kRespect)).outcome,
            Outcome::kConflict);
  CallResult applied = call(apply(place(name), fields, "another", Ownership::kTakeOver));
  ASSERT_EQ(applied.outcome, Outcome::kOk) << applied.message;

  CallResult fetched = call(fetch(kConfigMaps, "default", name));
  EXPECT_EQ(fetched.object["data"]["key"], "applied");
  const std::string uid = fetched.object["metadata"]["uid"];
  EXPECT_EQ(call(remove(place(name), "another-uid", "")).outcome, Outcome::kConflict);
  EXPECT_EQ(call(remove(place(name), uid, "")).outcome, Outcome::kOk);
  EXPECT_TRUE(turn_until([&] { return !objects_.contains(name); }));
  EXPECT_EQ(call(fetch(kConfigMaps, "default", name)).outcome, Outcome::kNotFound);
}

TEST_F(LiveTest, WhatIsInvalidIsToldWithTheServersWords) {
  nlohmann::json bad = config_map("Not A Name");
  const CallResult result = call(create(place("Not A Name"), bad, kManager));
  EXPECT_EQ(result.outcome, Outcome::kInvalid);
  EXPECT_THAT(result.message, HasSubstr("metadata.name"));
}

TEST_F(LiveTest, MetadataComesWithoutData) {
  ASSERT_EQ(call(create(place("live-metadata"), config_map("live-metadata"), kManager)).status,
            201);
  watch_config_maps(Form::kMetadata);
  ASSERT_TRUE(objects_.contains("live-metadata"));
  EXPECT_FALSE(objects_["live-metadata"].contains("data"));
  EXPECT_EQ(objects_["live-metadata"]["kind"], "PartialObjectMetadata");
  call(merge_patch(place("live-metadata"), {{"metadata", {{"labels", {{"a", "b"}}}}}}, kManager));
  EXPECT_TRUE(turn_until([&] { return objects_["live-metadata"]["metadata"].contains("labels"); }));
  EXPECT_FALSE(objects_["live-metadata"].contains("data"));
  call(remove(place("live-metadata"), "", ""));
  EXPECT_TRUE(turn_until([&] { return !objects_.contains("live-metadata"); }));
}

TEST_F(LiveTest, AnAbsentResourceIsAStateAndStopsNoOther) {
  Reflector& absent =
      client_->watch({.resource = {"sluice.dev/v9", "nothings"}, .kind = "Nothing"});
  watch_config_maps(Form::kWhole);
  EXPECT_TRUE(turn_until([&] { return client_->settled(); }));
  EXPECT_EQ(absent.state(), WatchState::kAbsent);
}

TEST_F(LiveTest, HundredsOfObjectsComeInPagesAndAListAfterThemTellsNothing) {
  watch_config_maps(Form::kWhole);
  const std::size_t count = 230;
  std::size_t sent = 0;
  std::size_t done = 0;
  std::size_t failed = 0;
  ASSERT_TRUE(turn_until([&] {
    for (const CallResult& each : client_->calls().take_results()) {
      ++done;
      failed += each.outcome != Outcome::kOk ? 1U : 0U;
    }
    while (sent < count && client_->calls().under_way() < 8) {
      const std::string name = "live-many-" + std::to_string(sent++);
      client_->calls().submit(create(place(name), config_map(name), kManager), now_ms());
    }
    return done == count;
  }));
  EXPECT_EQ(failed, 0U);
  // Others may make ConfigMaps too.
  const auto ours = [&] {
    auto all = objects_;
    std::erase_if(all, [](const auto& each) { return !each.first.starts_with("live-many-"); });
    return all;
  };
  ASSERT_TRUE(turn_until([&] { return ours().size() == count; }));
  const auto seen = ours();
  objects_.clear();
  watch_config_maps(Form::kWhole);
  EXPECT_EQ(ours(), seen);
  for (const auto& [name, object] : seen)
    client_->calls().submit(remove(place(name), "", ""), now_ms());
  EXPECT_TRUE(turn_until([&] { return ours().empty(); }));
}

TEST_F(LiveTest, OpenWatchesLetTheLoopSleep) {
  std::vector<const Reflector*> all;
  for (const char* plural : {"services", "secrets", "namespaces", "pods", "nodes", "endpoints",
                             "events", "serviceaccounts", "replicationcontrollers"}) {
    all.push_back(
        &client_->watch({.resource = {"v1", plural}, .kind = "Thing", .form = Form::kMetadata}));
  }
  watch_config_maps(Form::kMetadata);
  EXPECT_TRUE(turn_until([&] { return client_->settled(); }));
  for (const Reflector* each : all)
    EXPECT_TRUE(each->synced()) << each->options().resource.plural << ": " << each->problem();
  turn_until([] { return false; }, 12);  // until libcurl's timers of connecting have gone off
  const auto cpu_ms = [] {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  };
  const long before_ms = cpu_ms();
  polls_ = 0;
  turn_until([] { return false; }, 10);
  EXPECT_LT(polls_, 50U);
  EXPECT_LT(cpu_ms() - before_ms, 30);
  RecordProperty("polls", static_cast<int>(polls_));
  std::printf("idle for 10 s: %zu polls, %ld ms of CPU\n", polls_, cpu_ms() - before_ms);
}

}  // namespace
}  // namespace sluice::kube
