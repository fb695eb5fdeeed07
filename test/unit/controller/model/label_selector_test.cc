#include <gtest/gtest.h>

#include "controller/model/gateway.h"

namespace sluice::model {
namespace {

const Labels kLabels = {{"env", "prod"}, {"team", "a"}};

LabelSelector expression(const std::string& key, const std::string& op,
                         const std::vector<std::string>& values = {}) {
  return {.match_labels = {}, .match_expressions = {{key, op, values}}};
}

TEST(LabelSelectorTest, EmptySelectorMatchesEverything) {
  EXPECT_TRUE(LabelSelector{}.matches(kLabels));
  EXPECT_TRUE(LabelSelector{}.matches({}));
}

TEST(LabelSelectorTest, EveryLabelMustBeEqual) {
  LabelSelector selector{.match_labels = {{"env", "prod"}, {"team", "a"}}, .match_expressions = {}};
  EXPECT_TRUE(selector.matches(kLabels));
  selector.match_labels["team"] = "b";
  EXPECT_FALSE(selector.matches(kLabels));
  EXPECT_FALSE(selector.matches({{"env", "prod"}}));
}

TEST(LabelSelectorTest, InNeedsTheLabelWithOneOfTheValues) {
  EXPECT_TRUE(expression("env", "In", {"dev", "prod"}).matches(kLabels));
  EXPECT_FALSE(expression("env", "In", {"dev"}).matches(kLabels));
  EXPECT_FALSE(expression("zone", "In", {"dev"}).matches(kLabels));
}

TEST(LabelSelectorTest, NotInHoldsForAMissingLabel) {
  EXPECT_FALSE(expression("env", "NotIn", {"prod"}).matches(kLabels));
  EXPECT_TRUE(expression("env", "NotIn", {"dev"}).matches(kLabels));
  EXPECT_TRUE(expression("zone", "NotIn", {"dev"}).matches(kLabels));
}

TEST(LabelSelectorTest, ExistenceLooksAtTheKeyOnly) {
  EXPECT_TRUE(expression("env", "Exists").matches(kLabels));
  EXPECT_FALSE(expression("zone", "Exists").matches(kLabels));
  EXPECT_FALSE(expression("env", "DoesNotExist").matches(kLabels));
  EXPECT_TRUE(expression("zone", "DoesNotExist").matches(kLabels));
}

TEST(LabelSelectorTest, LabelsAndExpressionsMustBothHold) {
  LabelSelector selector = expression("team", "In", {"a"});
  selector.match_labels["env"] = "dev";
  EXPECT_FALSE(selector.matches(kLabels));
  selector.match_labels["env"] = "prod";
  EXPECT_TRUE(selector.matches(kLabels));
}

}  // namespace
}  // namespace sluice::model
