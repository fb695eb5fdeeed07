#include "controller/status/parse_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/status/status_json.h"

namespace sluice::status {
namespace {

using model::Kind;
using nlohmann::json;

constexpr const char* kName = "sluice.dev/gateway-controller";

Condition condition(const std::string& type, Truth status) {
  return {.type = type,
          .status = status,
          .reason = "Because",
          .message = "of it",
          .observed_generation = 7,
          .transition_ms = 1'767'225'600'000};
}

Shown round_trip(Kind kind, const Shown& shown) {
  return parse_status(kind, status_json(kind, shown, kName), kName);
}

TEST(ParseStatusTest, EveryStatusOfOursComesBack) {
  Shown of_class;
  of_class.conditions = {condition("Accepted", Truth::kTrue)};
  of_class.supported_features = {"Gateway", "HTTPRoute"};
  EXPECT_EQ(round_trip(Kind::kGatewayClass, of_class), of_class);

  Shown gateway;
  gateway.conditions = {condition("Accepted", Truth::kUnknown),
                        condition("Programmed", Truth::kFalse)};
  gateway.addresses = {{"10.0.0.1"}, {"::1", ""}, {"10.96.0.1", "Cluster"}};
  gateway.listeners = {{"http", {"HTTPRoute"}, 3, {condition("Conflicted", Truth::kFalse)}}};
  EXPECT_EQ(round_trip(Kind::kGateway, gateway), gateway);

  Shown route;
  route.parents = {
      {{.group = "g", .kind = "k", .ns = "n", .name = "a", .section_name = "s", .port = 80},
       {condition("Accepted", Truth::kTrue)}},
      {{.group = "", .kind = "k", .ns = {}, .name = "b", .section_name = {}, .port = {}}, {}}};
  EXPECT_EQ(round_trip(Kind::kHttpRoute, route), route);
  EXPECT_EQ(round_trip(Kind::kGrpcRoute, route), route);
  EXPECT_EQ(round_trip(Kind::kBackendTlsPolicy, route), route);
}

TEST(ParseStatusTest, EntriesOfOtherControllersAreNotOurs) {
  const json status = {{"parents", {{{"controllerName", "example.com/other"}}, 7, nullptr}}};
  EXPECT_EQ(parse_status(Kind::kHttpRoute, status, kName), Shown());
}

TEST(ParseStatusTest, NonsenseIsLeftOut) {
  for (const json& nonsense :
       {json(), json(7), json("text"), json::array(), json({{"parents", 7}, {"listeners", "x"}}),
        json({{"conditions", {{{"type", 7}, {"lastTransitionTime", "yesterday"}}}}})}) {
    for (const Kind kind : {Kind::kGatewayClass, Kind::kGateway, Kind::kHttpRoute}) {
      const Shown shown = parse_status(kind, nonsense, kName);
      EXPECT_TRUE(shown.parents.empty());
      EXPECT_LE(shown.conditions.size(), 1U);
    }
  }
}

}  // namespace
}  // namespace sluice::status
