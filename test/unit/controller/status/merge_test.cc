#include "controller/status/merge.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::status {
namespace {

using nlohmann::json;

// {x} of one element may be taken for x.
template <class... Each>
json list(const Each&... each) {
  json made = json::array();
  (made.push_back(each), ...);
  return made;
}

constexpr const char* kName = "sluice.dev/gateway-controller";

json condition(const std::string& type, const std::string& status, const std::string& since = "old",
               int generation = 1) {
  return {{"type", type},
          {"status", status},
          {"reason", type},
          {"message", ""},
          {"observedGeneration", generation},
          {"lastTransitionTime", since}};
}

json parent(const std::string& name, const json& conditions,
            const std::string& controller = kName) {
  return {
      {"parentRef", {{"name", name}}}, {"controllerName", controller}, {"conditions", conditions}};
}

template <class... Each>
json parents(const Each&... each) {
  return {{"parents", list(each...)}};
}

json accepted(const std::string& status, const std::string& since = "old", int generation = 1) {
  return list(condition("Accepted", status, since, generation));
}

json merged(const json& current, const json& ours) {
  const auto result = merge_status(current, ours, kName);
  return result ? json::parse(result->text) : json("nothing to write");
}

const json kNothing = "nothing to write";

TEST(MergeTest, TheFirstStatusIsWrittenAsItIs) {
  const json ours = parents(parent("a", accepted("True")));
  EXPECT_EQ(merged(nullptr, ours), ours);
  EXPECT_EQ(merged(parents(), ours), ours);
}

TEST(MergeTest, WhatIsThereAlreadyIsNotWrittenAgain) {
  const json there = parents(parent("a", accepted("True", "yesterday")));
  EXPECT_EQ(merged(there, parents(parent("a", accepted("True", "now")))), kNothing);
}

TEST(MergeTest, TheTimeOfTransitionChangesWithTheStatusAlone) {
  const json there = parents(parent("a", accepted("True", "yesterday", 1)));
  EXPECT_EQ(merged(there, parents(parent("a", accepted("True", "now", 2)))),
            parents(parent("a", accepted("True", "yesterday", 2))));
  const json other = parents(parent("a", accepted("False", "now", 2)));
  EXPECT_EQ(merged(there, other), other);
}

TEST(MergeTest, ANewerObservationStays) {
  const json there = parents(parent("a", accepted("True", "old", 7)));
  EXPECT_EQ(merged(there, parents(parent("a", accepted("False", "now", 6)))), kNothing);
}

TEST(MergeTest, EntriesOfOtherControllersStayWhereTheyAre) {
  const json foreign = parent("a", accepted("False"), "example.com/other");
  const json odd = {{"controllerName", 7}, {"x", "y"}};
  const json there = parents(parent("gone", list()), foreign, parent("b", accepted("True")), odd);
  const json ours =
      parents(parent("new", accepted("True", "now")), parent("b", accepted("False", "now")));
  EXPECT_EQ(merged(there, ours), parents(foreign, parent("b", accepted("False", "now")), odd,
                                         parent("new", accepted("True", "now"))));
}

json listener(const std::string& name, int routes, const json& conditions) {
  return {{"name", name}, {"attachedRoutes", routes}, {"conditions", conditions}};
}

json gateway(const json& conditions, const json& listeners) {
  return {{"conditions", conditions}, {"listeners", listeners}};
}

TEST(MergeTest, ConditionsOfOtherTypesStayAndOursThatEndedGo) {
  const json stale = condition("example.com/Stale", "True");
  const json ended = condition("OverlappingTLSConfig", "True");
  const json now = condition("Accepted", "True", "now");
  json there =
      gateway(list(condition("Programmed", "True"), stale),
              list(listener("http", 1, list(stale, ended)), listener("gone", 0, list(stale))));
  there["attachedListenerSets"] = 3;
  json wanted = gateway(list(stale, now), list(listener("http", 2, list(stale, now))));
  wanted["attachedListenerSets"] = 3;
  EXPECT_EQ(merged(there, gateway(list(now), list(listener("http", 2, list(now))))), wanted);
}

TEST(MergeTest, WhatIsNotOursAnyMoreLosesOurEntriesOnly) {
  const json foreign = parent("a", list(), "example.com/other");
  EXPECT_EQ(merged(parents(parent("b", list()), foreign), nullptr), parents(foreign));
  EXPECT_EQ(merged(parents(foreign), nullptr), kNothing);
  EXPECT_EQ(merged(nullptr, nullptr), kNothing);
  EXPECT_EQ(merged(gateway(accepted("True"), list()), nullptr), kNothing);
}

TEST(MergeTest, AFullListTakesNoMore) {
  const auto ancestor = [](const std::string& name, const std::string& controller) {
    return json{{"ancestorRef", {{"name", name}}}, {"controllerName", controller}};
  };
  json foreign = list();
  for (int i = 0; i < 15; ++i)
    foreign.push_back(ancestor(std::to_string(i), "example.com/other"));
  const json ours = {{"ancestors", list(ancestor("a", kName), ancestor("b", kName))}};
  const auto result = merge_status({{"ancestors", foreign}}, ours, kName);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->left_out, 1U);
  EXPECT_EQ(json::parse(result->text).at("ancestors").size(), 16U);
}

// CRDs without the field: the status was written again and again.
TEST(MergeTest, ARoutabilityThatTheApiServerLeavesOutIsNotMissed) {
  const json plain = {{"addresses", list(json{{"value", "10.0.0.1"}})}};
  const json said = {{"addresses", list(json{{"value", "10.0.0.1"}, {"routability", ""}})}};
  const json other = {{"addresses", list(json{{"value", "10.0.0.2"}, {"routability", ""}})}};
  const json cluster = {
      {"addresses", list(json{{"value", "10.0.0.1"}, {"routability", "Cluster"}})}};
  EXPECT_EQ(merged(plain, said), kNothing);
  EXPECT_EQ(merged(said, said), kNothing);
  EXPECT_EQ(merged(plain, other), other);
  EXPECT_EQ(merged(plain, cluster), cluster);
}

TEST(MergeTest, NonsenseInAStatusIsReplaced) {
  const json ours = parents(parent("a", accepted("True")));
  EXPECT_EQ(merged("text", ours), ours);
  EXPECT_EQ(merged({{"parents", 7}}, ours), ours);
  const json odd = list(7, json{{"type", "Accepted"}, {"observedGeneration", "x"}});
  EXPECT_EQ(merged(gateway(odd, 7), gateway(accepted("True"), list())),
            gateway(list(7, condition("Accepted", "True")), list()));
}

}  // namespace
}  // namespace sluice::status
