#include "controller/source/kube/owned_objects.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

using model::Kind;
using model::ObjectKey;
using nlohmann::json;

constexpr const char* kController = "sluice.dev/gateway-controller";
const ObjectKey kGateway{Kind::kGateway, {"shop", "web"}};
const ObjectKey kService{Kind::kService, {"shop", "web-1"}};

class OwnedObjectsTest : public testing::Test {
 protected:
  static json service(const std::string& team, const std::string& controller = kController) {
    return {{"metadata",
             {{"name", "web-1"},
              {"namespace", "shop"},
              {"labels", {{"team", team}}},
              {"annotations", {{"sluice.dev/controller-name", controller}}}}},
            {"spec", {{"clusterIP", "None"}}}};
  }

  void want(const std::string& team) { owned_.want(kGateway, {{kService, service(team)}}); }

  // As the API server shows it.
  void show(json object) {
    object["metadata"]["uid"] = "u-1";
    objects_.put(Kind::kService, std::move(object));
    owned_.touch(kService);
  }

  // "apply", "remove" or "" for nothing.
  std::string take(std::uint64_t now_ms) {
    const auto writes = owned_.take(objects_, now_ms);
    if (writes.empty()) return "";
    EXPECT_EQ(writes.size(), 1U);
    last_ = writes.front();
    return last_.fields.is_null() ? "remove" : "apply";
  }

  KubeObjects objects_;
  OwnedObjects owned_{kController};
  OwnedWrite last_;
};

TEST_F(OwnedObjectsTest, WhatIsWantedIsAppliedOnce) {
  EXPECT_EQ(owned_.timeout_ms(0), -1);
  want("a");
  EXPECT_EQ(owned_.timeout_ms(0), 0);
  EXPECT_EQ(take(0), "apply");
  EXPECT_EQ(last_.key, kService);
  EXPECT_EQ(last_.fields, service("a"));
  EXPECT_EQ(take(1), "") << "while it is under way";
  show(service("a"));
  owned_.settle(kService, true);
  EXPECT_EQ(take(5000), "");
  EXPECT_EQ(owned_.timeout_ms(5000), -1);
}

TEST_F(OwnedObjectsTest, WhatIsThereAlreadyIsAdopted) {
  json object = service("a");
  object["metadata"]["labels"]["foreign"] = "yes";
  show(object);
  want("a");
  EXPECT_EQ(take(0), "");
}

TEST_F(OwnedObjectsTest, AFieldThatSomebodyChangesIsRepairedOnceASecond) {
  show(service("a"));
  want("a");
  EXPECT_EQ(take(0), "");
  show(service("b"));
  EXPECT_EQ(take(100), "apply");
  show(service("a"));
  owned_.settle(kService, true);
  EXPECT_EQ(take(101), "");
  show(service("b"));
  EXPECT_EQ(take(102), "");
  EXPECT_EQ(owned_.timeout_ms(102), 998);
  EXPECT_EQ(take(1100), "apply");
}

TEST_F(OwnedObjectsTest, AnObjectThatSomebodyDeletesIsMadeAgain) {
  show(service("a"));
  want("a");
  EXPECT_EQ(take(0), "");
  objects_.remove(kService);
  owned_.touch(kService);
  EXPECT_EQ(take(10), "apply");
}

TEST_F(OwnedObjectsTest, AFailureIsTriedAgainLaterAndLater) {
  want("a");
  std::uint64_t now_ms = 0;
  for (const std::uint64_t pause_ms : {1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(take(now_ms), "apply");
    owned_.settle(kService, false);
    EXPECT_EQ(owned_.timeout_ms(now_ms), static_cast<int>(pause_ms));
    EXPECT_EQ(take(now_ms + pause_ms - 1), "");
    now_ms += pause_ms;
  }
}

TEST_F(OwnedObjectsTest, WhatIsNotWantedAnyMoreIsRemoved) {
  show(service("a"));
  want("a");
  EXPECT_EQ(take(0), "");
  owned_.want(kGateway, {});
  EXPECT_EQ(take(10), "remove");
  EXPECT_EQ(last_.uid, "u-1");
  owned_.settle(kService, true);
  objects_.remove(kService);
  owned_.touch(kService);
  EXPECT_EQ(take(5000), "");
}

TEST_F(OwnedObjectsTest, WhatGoesWithItsOwnerIsLeftToTheGarbageCollector) {
  show(service("a"));
  want("a");
  EXPECT_EQ(take(0), "");
  owned_.forget(kGateway);
  objects_.remove(kService);
  owned_.touch(kService);
  EXPECT_EQ(take(10), "");
}

TEST_F(OwnedObjectsTest, OnlyWhatThisControllerMadeIsRemoved) {
  show(service("a", "example.com/other"));
  owned_.suspect(kService);
  EXPECT_EQ(take(0), "");
  show(service("a"));
  owned_.suspect(kService);
  EXPECT_EQ(take(1), "remove");
}

TEST_F(OwnedObjectsTest, ASuspectThatIsWantedStays) {
  show(service("a"));
  want("a");
  owned_.suspect(kService);
  EXPECT_EQ(take(0), "");
}

TEST_F(OwnedObjectsTest, FewWritesAreUnderWayAtATime) {
  for (int i = 0; i < 6; ++i) {
    const std::string name = "gw" + std::to_string(i);
    owned_.want({Kind::kGateway, {"shop", name}},
                {{{Kind::kService, {"shop", name}}, service("a")}});
  }
  EXPECT_EQ(owned_.take(objects_, 0).size(), OwnedObjects::kMostWrites);
  EXPECT_EQ(owned_.timeout_ms(0), -1);
  owned_.settle({Kind::kService, {"shop", "gw0"}}, false);
  EXPECT_EQ(owned_.take(objects_, 0).size(), 1U);
}

}  // namespace
}  // namespace sluice::source
