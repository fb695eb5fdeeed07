#include "controller/control/health.h"

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

Health health(const std::string& not_ready) {
  return {not_ready, [] {
            return std::vector<metrics::Metric>{{"up", "Up.", metrics::Type::kGauge, {{{}, 1}}}};
          }};
}

TEST(HealthTest, ALoopThatTurnsIsHealthyAlsoWhenItIsNotReady) {
  EXPECT_EQ(health_answer({"GET", "/healthz", {}}, health("no"))->status, 200);
}

TEST(HealthTest, WhatIsMissingIsSaidUntilItIsReady) {
  const auto missing = health_answer({"GET", "/readyz", {}}, health("no worker answers yet"));
  EXPECT_EQ(missing->status, 503);
  EXPECT_EQ(missing->body, "no worker answers yet\n");
  EXPECT_EQ(health_answer({"GET", "/readyz", {}}, health(""))->status, 200);
}

TEST(HealthTest, MetricsAreText) {
  const auto answer = health_answer({"GET", "/metrics", {}}, health(""));
  EXPECT_EQ(answer->content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(answer->body.find("\nup 1\n"), std::string::npos);
}

TEST(HealthTest, NothingElseIsAnsweredHere) {
  EXPECT_FALSE(health_answer({"GET", "/v1/objects", {}}, health("")));
  EXPECT_FALSE(health_answer({"POST", "/healthz", {}}, health("")));
}

}  // namespace
}  // namespace sluice::control
