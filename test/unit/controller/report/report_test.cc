#include "controller/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::report {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const model::ObjectKey kGateway{model::Kind::kGateway, {"default", "web"}};
const model::ObjectKey kRoute{model::Kind::kHttpRoute, {"default", "r"}};

json condition(const char* type, const char* status, const char* reason, const char* message) {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

json route_status(const json& accepted) {
  return {{"parents",
           {{{"parentRef", {{"name", "web"}, {"namespace", "infra"}, {"sectionName", "http"}}},
             {"conditions", {accepted}}}}}};
}

class ReportTest : public ::testing::Test {
 protected:
  std::vector<std::string> printed() { return std::exchange(lines_, {}); }

  std::vector<std::string> lines_;
  Report report_{[this](log::Level level, const std::string& text) {
    lines_.push_back((level == log::Level::kInfo ? "" : "! ") + text);
  }};
};

TEST_F(ReportTest, AnOpenListenerIsPrintedOnceWithItsSockets) {
  resolve::Delta delta;
  delta.listeners = {{{kGateway.name, "http"}, "", 80, 8080, {{"0.0.0.0", 8080}, {"::", 8080}}}};
  report_.listeners(delta);
  json status = {{"conditions", {condition("Programmed", "True", "Programmed", "fine")}},
                 {"listeners",
                  {{{"name", "http"},
                    {"attachedRoutes", 1},
                    {"conditions",
                     {condition("Programmed", "True", "Programmed", "fine"),
                      condition("Conflicted", "False", "NoConflicts", "fine")}}}}}};
  report_.status(kGateway, status, 0);
  EXPECT_THAT(printed(),
              ElementsAre("listener default/web/http is open on 0.0.0.0:8080, [::]:8080, 1 route",
                          "Gateway/default/web is ready"));
  report_.status(kGateway, status, 0);
  EXPECT_THAT(printed(), IsEmpty());
  status["listeners"][0]["attachedRoutes"] = 2;
  report_.status(kGateway, status, 0);
  EXPECT_THAT(printed(), ElementsAre("listener default/web/http is open on 0.0.0.0:8080, "
                                     "[::]:8080, 2 routes"));
}

TEST_F(ReportTest, ARouteIsPrintedWhenItBreaksIsMendedAndGoes) {
  report_.status(kRoute, route_status(condition("Accepted", "False", "NoMatchingParent", "none")),
                 0);
  EXPECT_THAT(printed(), ElementsAre("! HTTPRoute/default/r on infra/web/http: Accepted=False "
                                     "NoMatchingParent: none"));
  report_.status(kRoute, route_status(condition("Accepted", "True", "Accepted", "fine")), 0);
  EXPECT_THAT(printed(), ElementsAre("HTTPRoute/default/r is served by infra/web/http"));
  report_.status(kRoute, nullptr, 0);
  EXPECT_THAT(printed(), ElementsAre("HTTPRoute/default/r is gone"));
  report_.status(kRoute, nullptr, 0);
  EXPECT_THAT(printed(), IsEmpty());
}

TEST_F(ReportTest, WhatIsNotDecidedYetIsNotPrinted) {
  report_.status(kRoute, route_status(condition("Accepted", "Unknown", "Pending", "waiting")), 0);
  EXPECT_THAT(printed(), IsEmpty());
}

TEST_F(ReportTest, WhatIsStillToComeIsNoWarning) {
  const json status = {{"conditions", {condition("Programmed", "False", "Pending", "no worker")}}};
  report_.status(kGateway, status, 0);
  EXPECT_THAT(printed(), ElementsAre("Gateway/default/web: Programmed=False Pending: no worker"));
}

TEST_F(ReportTest, AProblemIsPrintedWhenItAppearsAndWhenItIsMended) {
  const model::Problem problem{{"web.yaml", 3}, "HTTPRoute/default/r", "spec.rules", "too many"};
  report_.problems({problem}, 0);
  EXPECT_THAT(printed(), ElementsAre("! web.yaml:3: HTTPRoute/default/r: spec.rules: too many"));
  report_.problems({problem}, 0);
  EXPECT_THAT(printed(), IsEmpty());
  report_.problems({}, 0);
  EXPECT_THAT(printed(),
              ElementsAre("mended: web.yaml:3: HTTPRoute/default/r: spec.rules: too many"));
}

TEST_F(ReportTest, AnObstacleIsPrintedOnceUntilItIsGone) {
  report_.obstacle("", 0);
  report_.obstacle("no space", 0);
  report_.obstacle("no space", 0);
  EXPECT_THAT(printed(), ElementsAre("! no space (the published table stays)"));
  report_.obstacle("", 0);
  EXPECT_THAT(printed(), ElementsAre("the table is published again"));
}

TEST_F(ReportTest, ABurstIsCutAndCounted) {
  const std::vector<std::string> burst(Report::kLinesPerSecond + 5, "news");
  report_.news(burst, 5000);
  EXPECT_EQ(printed().size(), Report::kLinesPerSecond + 1);
  report_.news({"later"}, 6000);
  EXPECT_THAT(printed(), ElementsAre("5 more lines", "later"));
}

// Symptom: a bad file was not reported when it came with many good ones.
TEST_F(ReportTest, AProblemIsPrintedInABurstOfGoodNews) {
  report_.news(std::vector<std::string>(Report::kLinesPerSecond + 5, "news"), 5000);
  printed();
  report_.problems({{{"web.yaml", 3}, "HTTPRoute/default/r", "spec.rules", "too many"}}, 5000);
  EXPECT_THAT(printed(), ElementsAre("! web.yaml:3: HTTPRoute/default/r: spec.rules: too many"));
}

}  // namespace
}  // namespace sluice::report
