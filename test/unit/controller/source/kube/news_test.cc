#include "controller/source/kube/news.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kUs = "sluice.dev/gateway-controller";

Json condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message = "") {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

Json parents(const std::string& controller, const Json& conditions) {
  const Json ref = {{"namespace", "infra"}, {"name", "web"}, {"sectionName", "http"}};
  const Json entry = {
      {"parentRef", ref}, {"controllerName", controller}, {"conditions", conditions}};
  return {{"parents", Json::array({entry})}};
}

TEST(NewsTest, WhatTurnsBadIsAWarningAndWhatTurnsGoodAgainIsNone) {
  const Json good = parents(kUs, Json::array({condition("ResolvedRefs", "True", "ResolvedRefs")}));
  const Json bad = parents(
      kUs, Json::array({condition("ResolvedRefs", "False", "BackendNotFound", "no Service x")}));
  EXPECT_THAT(news_between(good, bad, kUs),
              ElementsAre(News{true, "BackendNotFound",
                               "parent infra/web/http: ResolvedRefs is False: no Service x"}));
  EXPECT_THAT(
      news_between(bad, good, kUs),
      ElementsAre(News{false, "ResolvedRefs", "parent infra/web/http: ResolvedRefs is True"}));
}

TEST(NewsTest, AnObjectThatIsGoodFromTheStartSaysSoOnce) {
  const Json status = {
      {"conditions",
       {condition("Accepted", "True", "Accepted"), condition("ResolvedRefs", "True", "Resolved")}},
      {"listeners",
       Json::array({{{"name", "http"},
                     {"conditions", Json::array({condition("Accepted", "True", "Accepted")})}}})}};
  EXPECT_THAT(news_between(nullptr, status, kUs),
              ElementsAre(News{false, "Accepted", "Accepted is True"}));
  EXPECT_THAT(news_between(status, status, kUs), IsEmpty());
}

TEST(NewsTest, AnotherReasonOrMessageOfWhatIsBadIsNews) {
  const Json one = {
      {"conditions", Json::array({condition("Programmed", "False", "Pending", "a")})}};
  const Json other = {
      {"conditions", Json::array({condition("Programmed", "False", "Invalid", "b")})}};
  EXPECT_THAT(news_between(one, other, kUs),
              ElementsAre(News{true, "Invalid", "Programmed is False: b"}));
}

TEST(NewsTest, SomeConditionsAreBadWhenTheyAreTrueAndUnknownOnesAreNeither) {
  const Json status = {{"conditions",
                        {condition("Conflicted", "True", "HostnameConflict"),
                         condition("Programmed", "Unknown", "Pending")}}};
  EXPECT_THAT(news_between(nullptr, status, kUs),
              ElementsAre(News{true, "HostnameConflict", "Conflicted is True"}));
  const Json none = {
      {"conditions", Json::array({condition("Conflicted", "False", "NoConflicts")})}};
  EXPECT_THAT(news_between(nullptr, none, kUs), IsEmpty());
}

TEST(NewsTest, EntriesOfOtherControllersAreNoNewsOfOurs) {
  const Json bad =
      parents("other.dev/x", Json::array({condition("Accepted", "False", "NotAllowed")}));
  EXPECT_THAT(news_between(nullptr, bad, kUs), IsEmpty());
}

TEST(NewsTest, BytesOfUnexpectedTypesAreNoNews) {
  const Json odd = {{"conditions", {1, "x", {{"type", 3}}}}, {"parents", {{"parentRef", 1}}}};
  EXPECT_THAT(news_between(odd, {{"listeners", "x"}}, kUs), IsEmpty());
}

}  // namespace
}  // namespace sluice::source
