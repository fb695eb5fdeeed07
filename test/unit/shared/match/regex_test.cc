#include "shared/match/regex.h"

#include <gtest/gtest.h>

#include <string>

#include "test/oracle/live_table.h"

namespace sluice::match {
namespace {

using oracle::LiveTable;

std::uint64_t still_clock() {
  return 0;
}

std::uint64_t g_now = 0;

std::uint64_t running_clock() {
  return ++g_now;
}

// One listener with a path regex per pattern.
oracle::World world_with(const std::vector<std::string>& patterns) {
  oracle::World world;
  table::ListenerSpec listener;
  listener.id = 1;
  listener.gateway = "ns/gw";
  listener.port = 80;
  world.listeners.push_back(listener);
  oracle::Contribution contribution{1, {}, "HTTPRoute/ns/route", {}};
  for (const std::string& pattern : patterns) {
    auto action = std::make_shared<table::RuleAction>();
    action->route = "ns/route";
    action->rule = static_cast<std::uint16_t>(contribution.rules.size());
    table::Rule rule;
    rule.path_kind = table::PathKind::kRegex;
    rule.path = pattern;
    rule.action = action;
    contribution.rules.push_back(rule);
  }
  world.contributions.push_back(contribution);
  return world;
}

oracle::Request request_for(const std::string& path) {
  oracle::Request request;
  request.group.named = true;
  request.group.gateway = "ns/gw";
  request.path = path;
  request.method = "GET";
  return request;
}

TEST(CheckPatternTest, AcceptsRe2Syntax) {
  EXPECT_TRUE(check_pattern("/v[0-9]+/.*"));
  EXPECT_TRUE(check_pattern(""));
}

TEST(CheckPatternTest, SaysWhatIsWrong) {
  const Result<void> broken = check_pattern("/a(");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("missing )"), std::string::npos);
  EXPECT_FALSE(check_pattern("(?=lookahead)"));
  EXPECT_FALSE(check_pattern("(a)\\1"));
}

TEST(CheckPatternTest, BoundsLengthAndMemory) {
  EXPECT_TRUE(check_pattern(std::string(kMaxPatternBytes, 'a')));
  EXPECT_FALSE(check_pattern(std::string(kMaxPatternBytes + 1, 'a')));
  EXPECT_FALSE(check_pattern("((a{100}){100}){100}"));
  EXPECT_FALSE(check_pattern("(\\pL{1000})"));
}

TEST(RegexCacheTest, MatchesTheWholeText) {
  RegexCache cache;
  EXPECT_TRUE(cache.matches(1, "/a+", "/aa"));
  EXPECT_FALSE(cache.matches(1, "/a+", "/aab"));
  EXPECT_FALSE(cache.matches(1, "/a+", "x/aa"));
  EXPECT_TRUE(cache.matches(2, "a|ab", "ab"));
  EXPECT_EQ(cache.patterns(), 2U);
  EXPECT_EQ(cache.compiled_late(), 2U);
}

TEST(RegexCacheTest, AnIdThatMeansAnotherPatternIsCompiledAgain) {
  RegexCache cache;
  EXPECT_TRUE(cache.matches(1, "a", "a"));
  EXPECT_TRUE(cache.matches(1, "b", "b"));
  EXPECT_FALSE(cache.matches(1, "b", "a"));
  EXPECT_EQ(cache.patterns(), 1U);
}

TEST(RegexCacheTest, WhatRe2RefusesMatchesNothing) {
  RegexCache cache;
  EXPECT_FALSE(cache.matches(1, "a(", "a("));
  EXPECT_FALSE(cache.matches(2, std::string(5000, 'a'), std::string(5000, 'a')));
}

TEST(RegexCacheTest, ATableWithoutPatternsIsWarm) {
  LiveTable table;
  table.put(world_with({}));
  RegexCache cache;
  const RegexCache::Warmth warmth = cache.warm(table.reader(), 1, still_clock);
  EXPECT_TRUE(warmth.complete);
  EXPECT_EQ(warmth.generation, 0U);
}

TEST(RegexCacheTest, WarmsInSlicesAndThenNeedsNoLateCompile) {
  std::vector<std::string> patterns;
  patterns.reserve(20);
  for (int i = 0; i < 20; ++i)
    patterns.push_back("/p" + std::to_string(i) + "/.*");
  LiveTable table;
  table.put(world_with(patterns));
  RegexCache& cache = table.context().regexes;
  int slices = 0;
  RegexCache::Warmth warmth;
  do {
    warmth = cache.warm(table.reader(), 1, running_clock);  // one compilation a slice
    ++slices;
  } while (!warmth.complete && slices < 100);
  EXPECT_TRUE(warmth.complete);
  EXPECT_GE(slices, 20);
  EXPECT_GT(warmth.generation, 0U);
  EXPECT_EQ(cache.patterns(), 20U);
  EXPECT_EQ(table.find(request_for("/p7/x")).rule, 7);
  EXPECT_EQ(table.find(request_for("/p20/x")).outcome, Outcome::kNoRule);
  EXPECT_EQ(cache.compiled_late(), 0U);
}

TEST(RegexCacheTest, AColdPatternIsCompiledByTheRequestAndCounted) {
  LiveTable table;
  table.put(world_with({"/a.*", "/b.*"}));
  EXPECT_EQ(table.find(request_for("/bc")).rule, 1);
  EXPECT_EQ(table.context().regexes.compiled_late(), 2U);
  EXPECT_EQ(table.find(request_for("/bd")).rule, 1);
  EXPECT_EQ(table.context().regexes.compiled_late(), 2U);
}

TEST(RegexCacheTest, DropsPatternsThatLeftTheList) {
  LiveTable table;
  table.put(world_with({"/a.*", "/b.*"}));
  table.warm();
  EXPECT_EQ(table.context().regexes.patterns(), 2U);
  table.put(world_with({"/b.*"}));
  table.warm();
  EXPECT_EQ(table.context().regexes.patterns(), 1U);
  EXPECT_EQ(table.find(request_for("/b")).outcome, Outcome::kMatched);
}

TEST(RegexCacheTest, ASetThatNeedsTooMuchMemoryIsAskedOneByOne) {
  std::vector<std::string> patterns;
  patterns.reserve(40);
  for (int i = 0; i < 40; ++i) {
    patterns.push_back("/" + std::to_string(i) + "(.*[a-m]{1,30}.*[n-z]{1,30}){3}");
  }
  for (const std::string& pattern : patterns)
    ASSERT_TRUE(check_pattern(pattern)) << pattern;
  LiveTable table;
  table.put(world_with(patterns));
  table.warm();
  EXPECT_EQ(table.find(request_for("/17azazaz")).rule, 17);
}

}  // namespace
}  // namespace sluice::match
