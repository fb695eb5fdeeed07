#include "controller/source/kube/events.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t kWallUs = 1'790'000'000'000'042;
const model::ObjectKey kRoute{model::Kind::kHttpRoute, {"shop", "web"}};
const News kBad{true, "BackendNotFound", "no Service x"};

class EventsTest : public ::testing::Test {
 protected:
  // All that may start, answered.
  std::vector<kube::Request> write(kube::Outcome outcome = kube::Outcome::kOk) {
    std::vector<kube::Request> requests;
    while (!events_.idle()) {
      for (const Events::Due& due : events_.take_due(now_, kWallUs)) {
        requests.push_back(due.call.request);
        kube::CallResult result;
        result.outcome = outcome;
        result.message = "refused";
        events_.settle(due.number, result);
      }
    }
    return requests;
  }

  Events events_{"sluice.dev/gateway-controller"};
  std::uint64_t now_ = 1000;
};

TEST_F(EventsTest, OneIsMadeWithTheObjectThatItIsAbout) {
  events_.tell(kRoute, "uid-1", kBad, now_);
  const auto requests = write();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_THAT(requests[0].path, HasSubstr("/api/v1/namespaces/shop/events?"));
  const Json event = Json::parse(requests[0].body);
  EXPECT_EQ(event["involvedObject"], Json({{"apiVersion", "gateway.networking.k8s.io/v1"},
                                           {"kind", "HTTPRoute"},
                                           {"namespace", "shop"},
                                           {"name", "web"},
                                           {"uid", "uid-1"}}));
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "BackendNotFound");
  EXPECT_EQ(event["message"], "no Service x");
  EXPECT_EQ(event["lastTimestamp"], "2026-09-21T14:13:20Z");
}

TEST_F(EventsTest, TheSameOneIsCountedUpUntilItIsOld) {
  events_.tell(kRoute, "uid-1", kBad, now_);
  const Json first = Json::parse(write()[0].body);
  now_ += 1000;
  events_.tell(kRoute, "uid-1", kBad, now_);
  const auto again = write();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].method, "PATCH");
  EXPECT_THAT(again[0].path, HasSubstr(first["metadata"]["name"].get<std::string>()));
  EXPECT_EQ(Json::parse(again[0].body)["count"], 2);
  now_ += Events::kSameMs;
  events_.tell(kRoute, "uid-1", kBad, now_);
  EXPECT_EQ(write()[0].method, "POST");
}

TEST_F(EventsTest, OneThatExpiredIsMadeAnew) {
  events_.tell(kRoute, "uid-1", kBad, now_);
  write();
  events_.tell(kRoute, "uid-1", kBad, now_);
  write(kube::Outcome::kNotFound);
  EXPECT_EQ(events_.problem(), "");
  events_.tell(kRoute, "uid-1", kBad, now_);
  EXPECT_EQ(write()[0].method, "POST");
}

TEST_F(EventsTest, AnObjectThatChangesAllTheTimeIsHeardTwentyFiveTimesAndThenSlowly) {
  for (int number = 0; number < 100; ++number)
    events_.tell(kRoute, "uid-1", {true, "R", std::to_string(number)}, now_);
  events_.tell(kRoute, "uid-2", kBad, now_);
  EXPECT_THAT(write(), SizeIs(26));
  now_ += Events::kRefillMs;
  for (int number = 0; number < 10; ++number)
    events_.tell(kRoute, "uid-1", {true, "R", std::to_string(number)}, now_);
  EXPECT_THAT(write(), SizeIs(1));
}

TEST_F(EventsTest, FewAreUnderWayAndTheQueueIsBounded) {
  for (std::size_t number = 0; number < Events::kMostQueued + 10; ++number)
    events_.tell(kRoute, std::to_string(number), kBad, now_);
  EXPECT_THAT(events_.take_due(now_, kWallUs), SizeIs(Events::kMostUnderWay));
  EXPECT_THAT(events_.take_due(now_, kWallUs), SizeIs(0));
}

TEST_F(EventsTest, WithoutTheRightTheProblemIsNamed) {
  events_.tell(kRoute, "uid-1", kBad, now_);
  write(kube::Outcome::kForbidden);
  EXPECT_EQ(events_.problem(), "refused");
  events_.tell(kRoute, "uid-1", kBad, now_);
  write();
  EXPECT_EQ(events_.problem(), "");
}

TEST_F(EventsTest, OnesOfObjectsWithoutNamespaceAndWithLongNamesFit) {
  const model::ObjectKey key{model::Kind::kGatewayClass, {"", std::string(253, 'n')}};
  events_.tell(key, "uid-1", {false, "Accepted", std::string(1500, 'm')}, now_);
  const auto requests = write();
  EXPECT_THAT(requests[0].path, HasSubstr("/namespaces/default/events?"));
  const Json event = Json::parse(requests[0].body);
  EXPECT_LE(event["metadata"]["name"].get<std::string>().size(), 253);
  EXPECT_EQ(event["message"].get<std::string>().size(), 1024);
}

}  // namespace
}  // namespace sluice::source
