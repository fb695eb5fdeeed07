#include "controller/source/kube/status_queue.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using model::Kind;
using model::ObjectKey;
using nlohmann::json;

constexpr const char* kName = "sluice.dev/gateway-controller";

ObjectKey route(const std::string& name) {
  return {Kind::kHttpRoute, {"shop", name}};
}

// Objects as an API server that takes every write, and statuses of ours by key.
class StatusQueueTest : public testing::Test {
 protected:
  StatusQueueTest()
      : queue_(kName, [this](const ObjectKey& key) {
          const auto found = ours_.find(key);
          return found == ours_.end() ? std::nullopt : std::optional(found->second);
        }) {}

  void put(const ObjectKey& key, int version, int generation = 1, const json& status = nullptr) {
    json object = {{"metadata",
                    {{"name", key.name.name},
                     {"namespace", key.name.ns},
                     {"uid", "u-" + key.name.name},
                     {"generation", generation},
                     {"resourceVersion", std::to_string(version)}}},
                   {"spec", json::object()},
                   {"status", status}};
    objects_.put(key.kind, object);
  }

  void want(const ObjectKey& key, const std::string& text, std::uint64_t now_ms) {
    ours_[key] = status_of(text);
    queue_.touch(key, now_ms);
  }

  static json status_of(const std::string& text) {
    json parents = json::array();
    parents.push_back({{"parentRef", {{"name", text}}},
                       {"controllerName", kName},
                       {"conditions", json::array()}});
    return {{"parents", parents}};
  }

  std::vector<ObjectKey> take(std::uint64_t now_ms) {
    std::vector<ObjectKey> keys;
    for (const StatusWrite& write : queue_.take(objects_, now_ms)) {
      keys.push_back(write.key);
      bodies_[write.key] = json::parse(write.body);
    }
    return keys;
  }

  // The API server took it.
  void done(const ObjectKey& key, int version, std::uint64_t now_ms, int generation = 1) {
    put(key, version, generation, bodies_[key].at("status"));
    queue_.settle(key, WriteResult::kDone, now_ms);
  }

  KubeObjects objects_;
  std::map<ObjectKey, json> ours_;
  std::map<ObjectKey, json> bodies_;
  StatusQueue queue_;
};

using Keys = std::vector<ObjectKey>;

TEST_F(StatusQueueTest, AChangeIsWrittenOnceForTheVersionThatWasSeen) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  EXPECT_EQ(queue_.timeout_ms(1000), 0);
  ASSERT_EQ(take(1000), Keys{route("a")});
  EXPECT_EQ(bodies_[route("a")], json({{"metadata", {{"resourceVersion", "7"}, {"uid", "u-a"}}},
                                       {"status", status_of("one")}}));
  EXPECT_EQ(take(1000), Keys{});
  done(route("a"), 8, 1001);
  EXPECT_TRUE(queue_.idle());
  queue_.touch(route("a"), 2000);
  EXPECT_EQ(take(2000), Keys{});
  EXPECT_TRUE(queue_.idle());
}

TEST_F(StatusQueueTest, LaterWritesOfAGenerationWaitAndOnlyTheLastOneIsMade) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  done(route("a"), 8, 1005);
  want(route("a"), "two", 1010);
  EXPECT_EQ(take(1010), Keys{});
  EXPECT_EQ(queue_.timeout_ms(1010), 190);
  want(route("a"), "three", 1100);
  EXPECT_EQ(take(1100), Keys{});
  EXPECT_EQ(take(1200), Keys{route("a")});
  EXPECT_EQ(bodies_[route("a")].at("status"), status_of("three"));
}

// Every route was written twice: as Pending for the milliseconds until workers had it, and then.
TEST_F(StatusQueueTest, WhatIsPendingIsWrittenWhenItStaysSo) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  ours_[route("a")]["parents"][0]["conditions"] = {{{"reason", "Pending"}}};
  EXPECT_EQ(take(1000), Keys{});
  EXPECT_EQ(queue_.timeout_ms(1000), 200);
  queue_.touch(route("a"), 1100);
  EXPECT_EQ(take(1100), Keys{});
  want(route("a"), "served", 1150);
  EXPECT_EQ(take(1150), Keys{route("a")});
  done(route("a"), 8, 1155);
  ours_[route("a")]["parents"][0]["conditions"] = {{{"reason", "Pending"}}};
  queue_.touch(route("a"), 2000);
  EXPECT_EQ(take(2000), Keys{});
  EXPECT_EQ(take(2200), Keys{route("a")});
}

// What was pending a second time was written at once when nothing had been written in between.
TEST_F(StatusQueueTest, WhatIsPendingAgainWaitsAgain) {
  const auto pend = [this] {
    ours_[route("a")]["parents"][0]["conditions"] = {{{"reason", "Pending"}}};
  };
  put(route("a"), 7, 1, status_of("served"));
  want(route("a"), "served", 900);
  pend();
  EXPECT_EQ(take(1000), Keys{});
  want(route("a"), "served", 1100);
  EXPECT_EQ(take(1100), Keys{}) << "it is as it was";
  pend();
  queue_.touch(route("a"), 5000);
  EXPECT_EQ(take(5000), Keys{});
  EXPECT_EQ(take(5200), Keys{route("a")});
}

TEST_F(StatusQueueTest, ANewGenerationDoesNotWait) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  done(route("a"), 8, 1005);
  put(route("a"), 9, 2, status_of("one"));
  want(route("a"), "two", 1010);
  EXPECT_EQ(take(1010), Keys{route("a")});
}

TEST_F(StatusQueueTest, GatewaysAndWhatWasTouchedLastGoFirst) {
  Keys keys;
  for (int i = 0; i < 20; ++i) {
    keys.push_back(route("r" + std::to_string(i)));
    put(keys.back(), 1);
    want(keys.back(), "x", 1000);
  }
  const ObjectKey gateway{Kind::kGateway, {"shop", "web"}};
  put(gateway, 1);
  ours_[gateway] = {{"addresses", json::array()}};
  queue_.touch(gateway, 1000);
  const ObjectKey set{Kind::kListenerSet, {"shop", "extra"}};
  put(set, 1);
  ours_[set] = {{"listeners", json::array()}};
  queue_.touch(set, 1000);
  want(keys[3], "y", 1000);
  const Keys taken = take(1000);
  ASSERT_EQ(taken.size(), StatusQueue::kMostWrites);
  EXPECT_EQ(taken[0], gateway);
  EXPECT_EQ(taken[1], set);
  EXPECT_EQ(taken[2], keys[3]);
  EXPECT_EQ(taken[3], keys[19]);
  EXPECT_EQ(queue_.timeout_ms(1000), -1);
  EXPECT_EQ(take(1000), Keys{});
  done(taken[3], 2, 1001);
  EXPECT_EQ(take(1001).size(), 1U);
}

TEST_F(StatusQueueTest, AfterAConflictTheNewerVersionIsWaitedFor) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  queue_.settle(route("a"), WriteResult::kConflict, 1300);
  EXPECT_EQ(take(1300), Keys{});
  EXPECT_EQ(queue_.timeout_ms(1300), static_cast<int>(StatusQueue::kConflictMs));
  put(route("a"), 9, 2);
  queue_.touch(route("a"), 1400);
  EXPECT_EQ(take(1400), Keys{route("a")});
  EXPECT_EQ(bodies_[route("a")].at("metadata").at("resourceVersion"), "9");
}

TEST_F(StatusQueueTest, ANewerVersionThatCameBeforeTheConflictIsTakenAtOnce) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  put(route("a"), 9, 2);
  queue_.touch(route("a"), 1001);
  queue_.settle(route("a"), WriteResult::kConflict, 1002);
  EXPECT_EQ(take(1002), Keys{route("a")});
}

TEST_F(StatusQueueTest, FailuresAreTriedAgainMoreAndMoreRarely) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  std::uint64_t now_ms = 1000;
  for (const std::uint64_t pause : {1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    ASSERT_EQ(take(now_ms), Keys{route("a")});
    queue_.settle(route("a"), WriteResult::kFailed, now_ms);
    EXPECT_EQ(queue_.timeout_ms(now_ms), static_cast<int>(pause));
    now_ms += pause;
  }
}

TEST_F(StatusQueueTest, WhatIsGoneIsForgotten) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  queue_.settle(route("a"), WriteResult::kGone, 1001);
  EXPECT_TRUE(queue_.idle());
  want(route("b"), "one", 1000);
  EXPECT_EQ(take(1000), Keys{});
  EXPECT_TRUE(queue_.idle());
}

TEST_F(StatusQueueTest, AnObjectWhoseStatusIsNotKnownYetIsLeftAlone) {
  put(route("a"), 7, 1, status_of("of an earlier process"));
  queue_.touch(route("a"), 1000);
  EXPECT_EQ(take(1000), Keys{});
  EXPECT_TRUE(queue_.idle());
  ours_[route("a")] = nullptr;
  queue_.touch(route("a"), 1000);
  EXPECT_EQ(take(1000), Keys{route("a")});
  EXPECT_EQ(bodies_[route("a")].at("status"), json({{"parents", json::array()}}));
}

TEST_F(StatusQueueTest, WhatSomebodyElseUndidIsWrittenAgain) {
  put(route("a"), 7);
  want(route("a"), "one", 1000);
  take(1000);
  done(route("a"), 8, 1001);
  put(route("a"), 9, 1, {{"parents", json::array()}});
  queue_.touch(route("a"), 5000);
  EXPECT_EQ(take(5000), Keys{route("a")});
}

}  // namespace
}  // namespace sluice::source
