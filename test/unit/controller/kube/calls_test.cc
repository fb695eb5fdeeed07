#include "controller/kube/calls.h"

#include <gmock/gmock.h>

#include "test/unit/controller/kube/fake_transport.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;

const Resource kServices = {"v1", "services"};

class CallsTest : public ::testing::Test {
 protected:
  CallResult only_result() {
    const std::vector<CallResult> results = calls_.take_results();
    EXPECT_EQ(results.size(), 1U);
    return results.empty() ? CallResult() : results.front();
  }

  FakeTransport transport_;
  Calls calls_{transport_};
};

TEST_F(CallsTest, AnObjectIsFetchedByName) {
  const CallId id = calls_.submit(fetch({"v1", "secrets"}, "default", "web-tls"), 0);
  EXPECT_EQ(transport_.request().path, "/api/v1/namespaces/default/secrets/web-tls");
  transport_.reply(200, R"({"metadata":{"name":"web-tls"}})", 0);
  const CallResult result = only_result();
  EXPECT_EQ(result.id, id);
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.object["metadata"]["name"], "web-tls");
}

TEST_F(CallsTest, CallsOfOneKeyGoOneAfterTheOther) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  calls_.submit(fetch(kServices, "b", "x"), 0);
  const CallId second = calls_.submit(fetch(kServices, "b", "x"), 0);
  EXPECT_EQ(calls_.under_way(), 2U);
  transport_.reply(200, "{}", 0);
  EXPECT_EQ(calls_.under_way(), 2U);
  EXPECT_EQ(transport_.started(), 3U);
  transport_.reply(200, "{}", 0);
  EXPECT_EQ(calls_.take_results().back().id, second);
  EXPECT_FALSE(calls_.has("/api/v1/namespaces/b/services/x"));
  EXPECT_TRUE(calls_.has("/api/v1/namespaces/a/services/x"));
}

TEST_F(CallsTest, ACallThatFailsDoesNotHoldTheNextOfItsKey) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  calls_.submit(fetch(kServices, "a", "x"), 0);
  transport_.end(Ending::kTimeout, 0, 0);
  EXPECT_EQ(calls_.under_way(), 1U);
  EXPECT_EQ(only_result().outcome, Outcome::kNetwork);
}

TEST_F(CallsTest, WaitingCallsOfAKeyCanBeDropped) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  calls_.submit(fetch(kServices, "a", "x"), 0);
  calls_.drop_waiting("/api/v1/namespaces/a/services/x");
  transport_.reply(200, "{}", 0);
  EXPECT_EQ(calls_.under_way(), 0U);
  EXPECT_EQ(calls_.take_results().size(), 1U);
}

TEST_F(CallsTest, WhatTheServerSaysIsToldApart) {
  struct Case {
    int status;
    Outcome outcome;
  };

  for (const Case& each :
       {Case{201, Outcome::kOk}, Case{401, Outcome::kForbidden}, Case{403, Outcome::kForbidden},
        Case{404, Outcome::kNotFound}, Case{409, Outcome::kConflict}, Case{422, Outcome::kInvalid},
        Case{429, Outcome::kThrottled}, Case{500, Outcome::kUnavailable},
        Case{503, Outcome::kUnavailable}}) {
    calls_.submit(fetch(kServices, "a", "x"), 0);
    transport_.reply(each.status, R"({"reason":"Because","message":"it is\nso"})", 0);
    const CallResult result = only_result();
    EXPECT_EQ(result.outcome, each.outcome) << each.status;
    EXPECT_EQ(result.status, each.status);
    if (each.outcome == Outcome::kOk) continue;
    EXPECT_EQ(result.reason, "Because");
    EXPECT_EQ(result.message, "it is so");
  }
}

TEST_F(CallsTest, AThrottledCallSaysWhenToTryAgain) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  Reply reply;
  reply.ending = Ending::kComplete;
  reply.status = 429;
  reply.retry_after_ms = 3000;
  transport_.end(reply, 0);
  const CallResult result = only_result();
  EXPECT_EQ(result.outcome, Outcome::kThrottled);
  EXPECT_EQ(result.retry_after_ms, 3000U);
  EXPECT_EQ(result.message, "status 429");
}

TEST_F(CallsTest, AnAnswerThatIsNoJsonIsNoObject) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  transport_.reply(200, "<html>", 0);
  const CallResult result = only_result();
  EXPECT_EQ(result.outcome, Outcome::kUnavailable);
  EXPECT_TRUE(result.object.is_null());
}

TEST_F(CallsTest, ARefusalWithoutAStatusObjectIsTold) {
  calls_.submit(fetch(kServices, "a", "x"), 0);
  transport_.reply(502, "bad gateway\n", 0);
  EXPECT_EQ(only_result().message, "bad gateway ");
}

}  // namespace
}  // namespace sluice::kube
