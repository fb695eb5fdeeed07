// What goes wrong with lists and watches as requests.
#include "controller/kube/watch.h"
#include "test/unit/controller/kube/watched_world.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchFailureTest : public WatchedWorld {};

TEST_F(WatchFailureTest, AServerThatIsAwayIsTriedAgainWithGrowingBoundedPauses) {
  std::vector<std::uint64_t> pauses;
  wait_for_request();
  for (int i = 0; i < 12; ++i) {
    transport_.end(Ending::kNetwork, 0, now_ms_);
    EXPECT_EQ(reflector_.state(), WatchState::kFailing);
    EXPECT_FALSE(reflector_.settled());
    pauses.push_back(wait_for_request());
  }
  EXPECT_LE(pauses.front(), Backoff::kFirstMs);
  EXPECT_GT(pauses.front(), 0U);
  EXPECT_GE(pauses.back(), Backoff::kLongestMs / 2);
  for (const std::uint64_t pause : pauses)
    EXPECT_LE(pause, Backoff::kLongestMs);
}

TEST_F(WatchFailureTest, AWatchAsksForFiveToTenMinutesAndHasADeadlineOfItsOwn) {
  list({}, 9);
  for (int i = 0; i < 20; ++i) {
    const Request& request = transport_.request();
    const std::size_t at = request.path.find("timeoutSeconds=");
    const std::uint64_t seconds = std::stoul(request.path.substr(at + 15));
    EXPECT_GE(seconds, 300U);
    EXPECT_LE(seconds, 600U);
    EXPECT_GE(request.timeout_ms, seconds * 1000);
    EXPECT_LE(request.timeout_ms, seconds * 1000 + 31'000);
    pass(seconds * 1000);
    transport_.end(Ending::kComplete, 200, now_ms_);
    EXPECT_EQ(wait_for_request(), 0U);
    transport_.begin(now_ms_);
    EXPECT_EQ(reflector_.problem(), "");
  }
}

TEST_F(WatchFailureTest, AWatchThatStallsUntilItsDeadlineIsWatchedAgainFromTheSamePlace) {
  list({object_json("a", 5)}, 9);
  take();
  pass(630'000);
  transport_.end(Ending::kTimeout, 200, now_ms_);
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_TRUE(asks_for("resourceVersion=9"));
  EXPECT_THAT(take(), IsEmpty());
}

// A watch that fell silent on a connection that stayed open was given up after 5 to 10 minutes.
TEST_F(WatchFailureTest, AWatchWithoutBookmarksIsGivenUpWhereTheyCameBefore) {
  list({object_json("a", 5)}, 9);
  take();
  pass(Reflector::kSilentMs);
  EXPECT_TRUE(asks_for("resourceVersion=9")) << "this server may send none";
  data(bookmark_json(40));
  pass(Reflector::kSilentMs - 1);
  EXPECT_TRUE(asks_for("resourceVersion=9"));
  EXPECT_EQ(reflector_.timeout_ms(now_ms_), 1);
  pass(1);
  EXPECT_TRUE(is_watching());
  EXPECT_TRUE(asks_for("resourceVersion=40"));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WatchFailureTest, WatchesThatEndAtOnceAreNotAskedForInALoop) {
  list({}, 9);
  std::uint64_t waited = 0;
  for (int i = 0; i < 8; ++i) {
    transport_.end(Ending::kComplete, 200, now_ms_);
    waited += wait_for_request();
    transport_.begin(now_ms_);
  }
  EXPECT_GE(waited, 10'000U);
}

TEST_F(WatchFailureTest, WatchesThatTellTheSameAndDropAreNotAskedForInALoop) {
  list({object_json("a", 5)}, 9);
  std::uint64_t waited = 0;
  for (int i = 0; i < 8; ++i) {
    data(event_json("ADDED", object_json("a", 5)));
    drop();
    waited += wait_for_request();
    transport_.begin(now_ms_);
  }
  EXPECT_GE(waited, 10'000U);
}

TEST_F(WatchFailureTest, ARefusedWatchOf410ListsAnew) {
  list({}, 9);
  refuse(410, "Expired");
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_FALSE(is_watching());
}

TEST_F(WatchFailureTest, AServerThatIsBehindTheVersionListsAnew) {
  list({}, 9);
  nlohmann::json status = status_json(504, "Timeout");
  status["details"]["causes"] = {{{"reason", "ResourceVersionTooLarge"}}};
  reply(504, status.dump());
  EXPECT_EQ(wait_for_request(), 0U);
  EXPECT_FALSE(is_watching());
}

TEST_F(WatchFailureTest, AThrottledListWaitsAsLongAsTheServerSays) {
  wait_for_request();
  Reply reply;
  reply.ending = Ending::kComplete;
  reply.status = 429;
  reply.body = status_json(429, "TooManyRequests").dump();
  reply.retry_after_ms = 17'000;
  transport_.end(reply, now_ms_);
  EXPECT_THAT(reflector_.problem(), HasSubstr("TooManyRequests"));
  EXPECT_EQ(wait_for_request(), 17'000U);
}

TEST_F(WatchFailureTest, AServerCannotSendUsAwayForDays) {
  wait_for_request();
  Reply reply;
  reply.ending = Ending::kComplete;
  reply.status = 503;
  reply.retry_after_ms = 864'000'000;
  transport_.end(reply, now_ms_);
  EXPECT_EQ(wait_for_request(), Reflector::kLongestRetryAfterMs);
}

TEST_F(WatchFailureTest, AForbiddenResourceIsAStateAndLookedAtAgainSlowly) {
  wait_for_request();
  refuse(403, "Forbidden");
  EXPECT_EQ(reflector_.state(), WatchState::kForbidden);
  EXPECT_TRUE(reflector_.settled());
  EXPECT_FALSE(reflector_.synced());
  EXPECT_EQ(reflector_.problem(), "Forbidden it is");
  const std::uint64_t waited = wait_for_request();
  EXPECT_GE(waited, Reflector::kSlowMs);
  EXPECT_LE(waited, Reflector::kSlowMs * 3 / 2);
  reply(200, list_json({object_json("a", 5)}, 9));
  EXPECT_EQ(reflector_.state(), WatchState::kFollowing);
  EXPECT_EQ(reflector_.problem(), "");
  EXPECT_THAT(take(), ElementsAre("put default/a 5"));
}

TEST_F(WatchFailureTest, WhatIsKnownStaysWhenTheRightToListIsTakenAway) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Gone")));
  wait_for_request();
  refuse(403, "Forbidden");
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(reflector_.synced());
  EXPECT_EQ(reflector_.state(), WatchState::kForbidden);
}

TEST_F(WatchFailureTest, AWatchAloneThatIsForbiddenIsNamedWhileListsGoOn) {
  list({object_json("a", 5)}, 9);
  take();
  std::uint64_t waited = 0;
  for (int i = 0; i < 6; ++i) {
    refuse(403, "Forbidden");
    EXPECT_EQ(reflector_.problem(), "Forbidden it is");
    waited += wait_for_request();
    EXPECT_FALSE(is_watching());
    reply(200, list_json({object_json("a", 6 + i)}, 20 + i));
    EXPECT_EQ(reflector_.problem(), "Forbidden it is");
    EXPECT_THAT(take(), ElementsAre("put default/a " + std::to_string(6 + i)));
    wait_for_request();
  }
  EXPECT_GE(waited, 10'000U);
  transport_.begin(now_ms_);
  EXPECT_EQ(reflector_.problem(), "");
}

TEST_F(WatchFailureTest, AnAbsentResourceIsAStateAndFoundWhenItIsInstalled) {
  wait_for_request();
  refuse(404, "NotFound");
  EXPECT_EQ(reflector_.state(), WatchState::kAbsent);
  EXPECT_EQ(reflector_.problem(),
            "the API server serves no httproutes of gateway.networking.k8s.io/v1");
  EXPECT_TRUE(reflector_.settled());
  EXPECT_GE(wait_for_request(), Reflector::kSlowMs);
  reply(200, list_json({object_json("a", 5)}, 9));
  EXPECT_THAT(take(), ElementsAre("put default/a 5"));
}

TEST_F(WatchFailureTest, AHintThatAResourceWasInstalledEndsTheWait) {
  wait_for_request();
  refuse(404, "NotFound");
  EXPECT_GT(reflector_.timeout_ms(now_ms_), 0);
  reflector_.hurry();
  EXPECT_EQ(wait_for_request(), 0U);
}

TEST_F(WatchFailureTest, ARemovedResourceTakesItsObjectsWithItOnceItIsAbsentTwice) {
  list({object_json("a", 5)}, 9);
  take();
  data(event_json("ERROR", status_json(410, "Gone")));
  wait_for_request();
  refuse(404, "NotFound");
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(reflector_.synced());
  EXPECT_EQ(wait_for_request(), Reflector::kConfirmMs);
  refuse(404, "NotFound");
  EXPECT_THAT(take(), ElementsAre("delete default/a 5"));
  EXPECT_EQ(reflector_.state(), WatchState::kAbsent);
}

TEST_F(WatchFailureTest, AServerThatForgetsAResourceForAMomentDropsNothing) {
  list({object_json("a", 5)}, 9);
  take();
  refuse(404, "NotFound");
  wait_for_request();
  refuse(404, "NotFound");
  wait_for_request();
  reply(200, list_json({object_json("a", 5)}, 9));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(reflector_.state(), WatchState::kFailing);
  open_watch();
  EXPECT_EQ(reflector_.state(), WatchState::kFollowing);
}

}  // namespace
}  // namespace sluice::kube
