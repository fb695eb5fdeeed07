#include "controller/kube/status_reply.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sluice::kube {
namespace {

Reply complete(int status, const std::string& body) {
  Reply reply;
  reply.ending = Ending::kComplete;
  reply.status = status;
  reply.body = body;
  return reply;
}

TEST(StatusReplyTest, AStatusObjectIsReadAndTheHttpStatusCounts) {
  const StatusReply said =
      read_status(complete(409, R"({"code":7,"reason":"Conflict","message":"the\nobject"})"));
  EXPECT_EQ(said.code, 409);
  EXPECT_EQ(said.reason, "Conflict");
  EXPECT_EQ(said.message, "the object");
  EXPECT_FALSE(said.version_too_large);
}

TEST(StatusReplyTest, WhatIsNoStatusObjectHasAMessageAllTheSame) {
  EXPECT_EQ(read_status(complete(503, "")).message, "status 503");
  EXPECT_EQ(read_status(complete(503, "{}")).message, "{}");
  EXPECT_EQ(read_status(complete(502, "bad gateway")).message, "bad gateway");
  EXPECT_EQ(read_status(complete(500, R"(["code"])")).code, 500);
  EXPECT_LT(read_status(complete(500, std::string(100'000, 'x'))).message.size(), 600U);
}

TEST(StatusReplyTest, WrongTypesInAStatusAreLeftOut) {
  const StatusReply said = read_status(nlohmann::json::parse(
      R"({"code":"410","reason":[],"message":{},"details":{"causes":[1,{"reason":2}]}})"));
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ(said.reason, "");
  EXPECT_EQ(said.message, "status 0");
}

TEST(StatusReplyTest, ANetworkFailureIsToldInItsOwnWords) {
  Reply reply;
  reply.failure = "https://10.0.0.1: Connection refused";
  EXPECT_EQ(read_status(reply).message, "https://10.0.0.1: Connection refused");
}

}  // namespace
}  // namespace sluice::kube
