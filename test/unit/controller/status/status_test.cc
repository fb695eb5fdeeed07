#include "controller/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice::status {
namespace {

using model::Kind;
using model::ObjectKey;
using resolve::ConditionFinding;
using resolve::ObjectFindings;
using resolve::SharedFindings;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr std::string_view kSocket = "0.0.0.0:80";

const ObjectKey kGateway{Kind::kGateway, {"default", "gw"}};
const ObjectKey kRoute{Kind::kHttpRoute, {"default", "web"}};
const ObjectKey kClass{Kind::kGatewayClass, {"", "sluice"}};

ConditionFinding accepted(bool status = true) {
  return {"Accepted", status, status ? "Accepted" : "ListenersNotValid", "why"};
}

model::ParentRef parent_ref() {
  return {.group = "gateway.networking.k8s.io",
          .kind = "Gateway",
          .ns = std::nullopt,
          .name = "gw",
          .section_name = std::nullopt,
          .port = std::nullopt};
}

SharedFindings route_findings(bool status, std::int64_t generation = 1) {
  resolve::RouteFindings findings;
  findings.parents = {{parent_ref(), {accepted(status)}}};
  return std::make_shared<ObjectFindings>(kRoute, generation, findings);
}

resolve::ListenerFinding served_listener(std::string name, std::vector<std::string> sockets) {
  resolve::ListenerFinding listener;
  listener.name = std::move(name);
  listener.supported_kinds = {"HTTPRoute"};
  listener.served = true;
  listener.sockets = std::move(sockets);
  listener.conditions = {accepted()};
  return listener;
}

SharedFindings gateway_findings(std::vector<resolve::ListenerFinding> listeners) {
  resolve::GatewayFindings findings;
  findings.conditions = {accepted()};
  findings.addresses = {{"0.0.0.0"}};
  findings.listeners = std::move(listeners);
  return std::make_shared<ObjectFindings>(kGateway, 1, findings);
}

SharedFindings gateway_findings() {
  return gateway_findings({served_listener("http", {std::string(kSocket)})});
}

DataPlane adopted(std::uint64_t generation) {
  DataPlane data_plane;
  data_plane.any_worker = true;
  data_plane.acknowledged = generation;
  data_plane.open_sockets = {std::string(kSocket)};
  return data_plane;
}

// "True/Accepted@1": status, reason and observedGeneration of one condition.
std::string shown(const nlohmann::json& holder, const std::string& type) {
  for (const nlohmann::json& condition : holder["conditions"]) {
    if (condition["type"] != type) continue;
    return condition["status"].get<std::string>() + "/" + condition["reason"].get<std::string>() +
           "@" + std::to_string(condition["observedGeneration"].get<int>());
  }
  return "none";
}

std::string message(const nlohmann::json& holder, const std::string& type) {
  for (const nlohmann::json& condition : holder["conditions"]) {
    if (condition["type"] == type) return condition["message"];
  }
  return "none";
}

nlohmann::json parent_of(const StatusBook& book) {
  return book.status_of(kRoute)["parents"][0];
}

nlohmann::json listener_of(const StatusBook& book) {
  return book.status_of(kGateway)["listeners"][0];
}

class StatusBookTest : public testing::Test {
 protected:
  StatusBook book_{"sluice.dev/gateway-controller"};
};

TEST_F(StatusBookTest, NothingTurnsTrueBeforeWorkersHaveAdoptedIt) {
  book_.put(route_findings(true), 7, kStart);
  EXPECT_THAT(book_.refresh(adopted(6), kStart), ElementsAre(kRoute));
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "Unknown/Pending@1");
  EXPECT_THAT(book_.refresh(adopted(7), kStart), ElementsAre(kRoute));
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "True/Accepted@1");
}

TEST_F(StatusBookTest, ATrueConditionStaysWithItsOldGenerationUntilTheNewOneIsAdopted) {
  book_.put(route_findings(true, 1), 1, kStart);
  book_.refresh(adopted(1), kStart);
  book_.put(route_findings(true, 2), 2, kStart);
  EXPECT_THAT(book_.refresh(adopted(1), kStart), IsEmpty());
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "True/Accepted@1");
  EXPECT_THAT(book_.refresh(adopted(2), kStart), ElementsAre(kRoute));
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "True/Accepted@2");
}

TEST_F(StatusBookTest, WhatTurnsFalseIsShownAtOnce) {
  book_.put(route_findings(true, 1), 1, kStart);
  book_.refresh(adopted(1), kStart);
  book_.put(route_findings(false, 2), 2, kStart);
  EXPECT_THAT(book_.refresh(adopted(1), kStart), ElementsAre(kRoute));
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "False/ListenersNotValid@2");
}

TEST_F(StatusBookTest, WhatWasFalseStaysFalseUntilTheMendingIsAdopted) {
  book_.put(route_findings(false, 1), 1, kStart);
  book_.refresh(adopted(1), kStart);
  book_.put(route_findings(true, 2), 2, kStart);
  EXPECT_THAT(book_.refresh(adopted(1), kStart), IsEmpty());
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "False/ListenersNotValid@1");
}

TEST_F(StatusBookTest, WithoutAWorkerRoutesWaitOneSecond) {
  book_.put(route_findings(true), 1, kStart);
  EXPECT_EQ(book_.timeout_ms(kStart), 0);
  book_.refresh(DataPlane{}, kStart);
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "Unknown/Pending@1");
  EXPECT_EQ(book_.timeout_ms(kStart + 400), 600);
  EXPECT_THAT(book_.refresh(DataPlane{}, kStart + 999), IsEmpty());
  EXPECT_THAT(book_.refresh(DataPlane{}, kStart + 1000), ElementsAre(kRoute));
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "True/Accepted@1");
  EXPECT_EQ(book_.timeout_ms(kStart + 1000), -1);
}

TEST_F(StatusBookTest, AWorkerThatIsSlowIsWaitedForWithoutATimeout) {
  book_.put(route_findings(true), 2, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_EQ(book_.timeout_ms(kStart), -1);
  EXPECT_THAT(book_.refresh(adopted(1), kStart + 60'000), IsEmpty());
}

TEST_F(StatusBookTest, NoWorkerIsEverProgrammedByTime) {
  book_.put(gateway_findings(), 1, kStart);
  book_.refresh(DataPlane{}, kStart + 60'000);
  EXPECT_EQ(shown(book_.status_of(kGateway), "Accepted"), "True/Accepted@1");
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "False/Pending@1");
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "False/Pending@1");
  EXPECT_THAT(book_.refresh(adopted(1), kStart + 60'000), ElementsAre(kGateway));
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "True/Programmed@1");
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "True/Programmed@1");
}

TEST_F(StatusBookTest, AWorkerThatHasNotAdoptedYetIsSaidToBeWaitedFor) {
  book_.put(gateway_findings(), 2, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "False/Pending@1");
  EXPECT_EQ(message(book_.status_of(kGateway), "Programmed"),
            "Waiting for nginx workers to adopt it");
}

TEST_F(StatusBookTest, LosingTheLastWorkerTurnsProgrammedFalseAndNothingElse) {
  book_.put(gateway_findings(), 1, kStart);
  book_.put(route_findings(true), 1, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_THAT(book_.refresh(DataPlane{}, kStart + 1000), ElementsAre(kGateway));
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "False/Pending@1");
  EXPECT_EQ(shown(book_.status_of(kGateway), "Accepted"), "True/Accepted@1");
  EXPECT_EQ(shown(parent_of(book_), "Accepted"), "True/Accepted@1");
}

// A controller that starts knows what its predecessor showed, and of no worker yet.
TEST_F(StatusBookTest, WhatWasShownBeforeStaysUntilWorkersHadTheTimeToComeBack) {
  StatusBook earlier("sluice.dev/gateway-controller");
  earlier.put(gateway_findings(), 9, kStart);
  earlier.refresh(adopted(9), kStart);
  const nlohmann::json before = earlier.status_of(kGateway);
  const std::int64_t later = kStart + 100'000;
  book_.put(gateway_findings(), 1, later, before.dump());
  EXPECT_THAT(book_.refresh(DataPlane{}, later), ElementsAre(kGateway));
  EXPECT_EQ(book_.status_of(kGateway), before);
  EXPECT_EQ(book_.timeout_ms(later), 1000);
  DataPlane first = adopted(0);
  first.open_sockets.clear();
  EXPECT_THAT(book_.refresh(first, later + 100), IsEmpty());
  EXPECT_THAT(book_.refresh(adopted(1), later + 200), IsEmpty());
  EXPECT_EQ(book_.status_of(kGateway), before);
}

TEST_F(StatusBookTest, WorkersThatDoNotComeBackAreSaidToBeMissing) {
  StatusBook earlier("sluice.dev/gateway-controller");
  earlier.put(gateway_findings(), 9, kStart);
  earlier.refresh(adopted(9), kStart);
  book_.put(gateway_findings(), 1, kStart, earlier.status_of(kGateway).dump());
  book_.refresh(DataPlane{}, kStart);
  EXPECT_THAT(book_.refresh(DataPlane{}, kStart + 1000), ElementsAre(kGateway));
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "False/Pending@1");
}

TEST_F(StatusBookTest, AYoungWorkerThatIsBehindTurnsNothingFalse) {
  book_.put(gateway_findings(), 5, kStart);
  book_.refresh(adopted(5), kStart);
  DataPlane behind = adopted(0);
  behind.open_sockets.insert("0.0.0.0:81");
  EXPECT_THAT(book_.refresh(behind, kStart), IsEmpty());
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "True/Programmed@1");
}

TEST_F(StatusBookTest, AListenerIsProgrammedWhenAllItsSocketsAreOpen) {
  book_.put(gateway_findings({served_listener("http", {"0.0.0.0:80", "[::]:80"})}), 1, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "False/Pending@1");
  EXPECT_EQ(message(listener_of(book_), "Programmed"), "[::]:80 is not open yet");
  DataPlane both = adopted(1);
  both.open_sockets.insert("[::]:80");
  book_.refresh(both, kStart);
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "True/Programmed@1");
}

TEST_F(StatusBookTest, ASocketThatFailedNamesItsReason) {
  book_.put(gateway_findings({served_listener("http", {"0.0.0.0:80"}),
                              served_listener("high", {"0.0.0.0:8080"})}),
            1, kStart);
  DataPlane data_plane = adopted(1);
  data_plane.open_sockets = {"0.0.0.0:8080"};
  data_plane.failed_sockets = {{"0.0.0.0:80", "address already in use"}};
  book_.refresh(data_plane, kStart);
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "False/PortUnavailable@1");
  EXPECT_EQ(message(listener_of(book_), "Programmed"), "0.0.0.0:80: address already in use");
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "True/Programmed@1");
}

TEST_F(StatusBookTest, AnAddressWhereNothingOpenedMakesTheGatewayUnprogrammed) {
  book_.put(gateway_findings(), 1, kStart);
  DataPlane data_plane = adopted(1);
  data_plane.open_sockets.clear();
  data_plane.failed_sockets = {{"0.0.0.0:80", "no such address"}};
  book_.refresh(data_plane, kStart);
  EXPECT_EQ(shown(book_.status_of(kGateway), "Programmed"), "False/AddressNotUsable@1");
}

TEST_F(StatusBookTest, ClosedSocketsWithoutSluiceListenersSayHowToOpenThem) {
  book_.put(gateway_findings(), 1, kStart);
  DataPlane data_plane = adopted(1);
  data_plane.open_sockets.clear();
  data_plane.listeners_on = false;
  book_.refresh(data_plane, kStart);
  EXPECT_EQ(message(listener_of(book_), "Programmed"),
            "0.0.0.0:80 is not open: no nginx has \"sluice_listeners on;\"");
}

TEST_F(StatusBookTest, ASocketOfAnotherNginxCountsAlsoWithoutSluiceListeners) {
  book_.put(gateway_findings(), 1, kStart);
  DataPlane data_plane = adopted(1);
  data_plane.listeners_on = false;
  book_.refresh(data_plane, kStart);
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "True/Programmed@1");
}

TEST_F(StatusBookTest, ARefusedListenerIsNotProgrammedForItsOwnReason) {
  resolve::ListenerFinding listener = served_listener("http", {});
  listener.served = false;
  listener.not_programmed_reason = "HostnameConflict";
  listener.not_programmed_message = "somebody else has it";
  book_.put(gateway_findings({listener}), 1, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_EQ(shown(listener_of(book_), "Programmed"), "False/HostnameConflict@1");
}

TEST_F(StatusBookTest, AConflictIsBadNewsAndWaitsForNobody) {
  resolve::ListenerFinding listener = served_listener("http", {std::string(kSocket)});
  listener.conditions.push_back({"Conflicted", true, "HostnameConflict", "why"});
  book_.put(gateway_findings({listener}), 9, kStart);
  book_.refresh(adopted(1), kStart);
  EXPECT_EQ(shown(listener_of(book_), "Conflicted"), "True/HostnameConflict@1");
}

TEST_F(StatusBookTest, AClassWaitsForNobody) {
  book_.put(std::make_shared<ObjectFindings>(kClass, 4,
                                             resolve::ClassFindings{{accepted()}, {"Gateway"}}),
            9, kStart);
  book_.refresh(DataPlane{}, kStart);
  const nlohmann::json status = book_.status_of(kClass);
  EXPECT_EQ(shown(status, "Accepted"), "True/Accepted@4");
  EXPECT_EQ(status["supportedFeatures"].dump(), R"([{"name":"Gateway"}])");
}

TEST_F(StatusBookTest, LastTransitionTimeChangesOnlyWithTheStatus) {
  book_.put(route_findings(true, 1), 1, kStart);
  book_.refresh(adopted(1), kStart);
  book_.put(route_findings(true, 2), 2, kStart + 5000);
  book_.refresh(adopted(2), kStart + 5000);
  EXPECT_EQ(parent_of(book_)["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:00Z");
  book_.put(route_findings(false, 3), 3, kStart + 9000);
  book_.refresh(adopted(2), kStart + 9000);
  EXPECT_EQ(parent_of(book_)["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:09Z");
}

TEST_F(StatusBookTest, ParentRefsAreRepeatedAsTheyWereWritten) {
  resolve::RouteFindings findings;
  model::ParentRef full = parent_ref();
  full.ns = "infra";
  full.section_name = "http";
  full.port = 80;
  findings.parents = {{parent_ref(), {accepted()}}, {full, {accepted()}}};
  book_.put(std::make_shared<ObjectFindings>(kRoute, 1, findings), 1, kStart);
  book_.refresh(adopted(1), kStart);
  const nlohmann::json parents = book_.status_of(kRoute)["parents"];
  EXPECT_EQ(parents[0]["parentRef"].dump(),
            R"({"group":"gateway.networking.k8s.io","kind":"Gateway","name":"gw"})");
  EXPECT_EQ(parents[1]["parentRef"].dump(),
            R"({"group":"gateway.networking.k8s.io","kind":"Gateway","name":"gw",)"
            R"("namespace":"infra","port":80,"sectionName":"http"})");
  EXPECT_EQ(parents[1]["controllerName"], "sluice.dev/gateway-controller");
}

TEST_F(StatusBookTest, RefreshNamesOnlyWhatChanged) {
  book_.put(gateway_findings(), 1, kStart);
  book_.put(route_findings(true), 1, kStart);
  EXPECT_THAT(book_.refresh(adopted(1), kStart), ElementsAre(kGateway, kRoute));
  EXPECT_THAT(book_.refresh(adopted(1), kStart), IsEmpty());
  book_.put(route_findings(true), 2, kStart);
  EXPECT_THAT(book_.refresh(adopted(2), kStart), IsEmpty());
}

TEST_F(StatusBookTest, AnObjectThatIsGoneIsNamedOnceAndHasNoStatus) {
  book_.put(route_findings(true), 1, kStart);
  book_.refresh(adopted(1), kStart);
  book_.remove(kRoute);
  EXPECT_THAT(book_.refresh(adopted(1), kStart), ElementsAre(kRoute));
  EXPECT_THAT(book_.refresh(adopted(1), kStart), IsEmpty());
  EXPECT_TRUE(book_.status_of(kRoute).is_null());
}

}  // namespace
}  // namespace sluice::status
