#include "controller/publish/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/arena/read_mapping.h"
#include "shared/table/dump.h"
#include "test/harness/temp_directory.h"

namespace sluice::publish {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

resolve::Delta web(const std::string& path, model::PathMatchType type) {
  resolve::Delta delta;
  const resolve::ListenerKey listener{{"default", "web"}, "http"};
  delta.listeners = {{listener, "", 80, 8080, {{"0.0.0.0", 8080}}}};
  model::HttpRouteMatch match;
  match.path = {type, path};
  const std::string backend = "Service/default/a:80";
  delta.routes = {{{model::Kind::kHttpRoute, {"default", "r"}},
                   std::nullopt,
                   {{listener, {""}}},
                   {{"", {match}, {{1, backend, "default/a:80"}}}}}};
  delta.backends = {{backend, {{"127.0.0.1", 9000, false}}}};
  return delta;
}

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override { publisher_ = open(); }

  std::unique_ptr<Publisher> open(std::size_t reserve_bytes = 64 * kMebibyte) {
    arena::ArenaOptions options;
    options.directory = directory_.path();
    options.segment_bytes = kMebibyte;
    options.reserve_bytes = reserve_bytes;
    auto publisher = Publisher::open(options);
    EXPECT_TRUE(publisher) << publisher.error().message;
    return publisher ? std::move(*publisher) : nullptr;
  }

  std::string table() {
    auto mapping = arena::ReadMapping::open(directory_.path());
    EXPECT_TRUE(mapping) << mapping.error().message;
    table::DumpOptions options;
    options.endpoints = table::published_endpoints(**mapping);
    return table::dump(table::Reader((*mapping)->enter()), options);
  }

  void publish_at_once(const resolve::Delta& delta) {
    const Result<Stage> stage = publisher_->publish(delta, now_ms_);
    ASSERT_TRUE(stage) << stage.error().message;
    ASSERT_EQ(*stage, Stage::kDone);
  }

  TempDirectory directory_;
  std::unique_ptr<Publisher> publisher_;
  std::uint64_t now_ms_ = 1000;
};

TEST_F(PublisherTest, TheFirstTableIsPublishedEvenWhenItIsEmpty) {
  publish_at_once({});
  EXPECT_EQ(publisher_->generation(), 1U);
  publish_at_once({});
  EXPECT_EQ(publisher_->generation(), 1U) << "nothing changed";
}

TEST_F(PublisherTest, ListenersRulesAndEndpointsOfOneChangeArePublishedTogether) {
  publish_at_once(web("/a", model::PathMatchType::kPathPrefix));
  EXPECT_EQ(publisher_->generation(), 1U);
  EXPECT_THAT(table(), HasSubstr("prefix /a"));
  EXPECT_THAT(table(), HasSubstr("127.0.0.1:9000"));
}

TEST_F(PublisherTest, EndpointsChangeWithoutANewTable) {
  publish_at_once(web("/a", model::PathMatchType::kPathPrefix));
  resolve::Delta delta;
  delta.backends = {{"Service/default/a:80", {{"127.0.0.1", 9001, false}}}};
  publish_at_once(delta);
  EXPECT_EQ(publisher_->generation(), 1U);
  EXPECT_THAT(table(), HasSubstr("127.0.0.1:9001"));
}

TEST_F(PublisherTest, RulesWaitUntilWorkersHaveCompiledTheirPatterns) {
  publish_at_once({});
  Result<Stage> stage =
      publisher_->publish(web("/a.*", model::PathMatchType::kRegularExpression), now_ms_);
  ASSERT_TRUE(stage);
  EXPECT_EQ(*stage, Stage::kWarming);
  EXPECT_TRUE(publisher_->waits_for_workers());
  EXPECT_EQ(publisher_->warming(), publisher_->generation());
  EXPECT_THAT(table(), Not(HasSubstr("default/r")));
  stage = publisher_->resume(false, now_ms_ + 999);
  ASSERT_TRUE(stage);
  EXPECT_EQ(*stage, Stage::kWarming);
  stage = publisher_->resume(true, now_ms_ + 999);
  ASSERT_TRUE(stage);
  EXPECT_EQ(*stage, Stage::kDone);
  EXPECT_THAT(table(), HasSubstr("default/r"));
}

TEST_F(PublisherTest, AStragglerIsWaitedForASecondOnly) {
  publish_at_once({});
  ASSERT_TRUE(publisher_->publish(web("/a.*", model::PathMatchType::kRegularExpression), now_ms_));
  EXPECT_LE(publisher_->timeout_ms(now_ms_), 1000);
  const Result<Stage> stage = publisher_->resume(false, now_ms_ + Publisher::kPatienceMs);
  ASSERT_TRUE(stage);
  EXPECT_EQ(*stage, Stage::kDone);
  EXPECT_THAT(publisher_->take_news(), Contains(HasSubstr("still compiling")));
}

TEST_F(PublisherTest, KnownPatternsAreNotWaitedFor) {
  publish_at_once(web("/a.*", model::PathMatchType::kRegularExpression));
  resolve::Delta delta = web("/a.*", model::PathMatchType::kRegularExpression);
  delta.routes[0].rules[0].name = "renamed";
  publish_at_once(delta);
  EXPECT_EQ(publisher_->generation(), 2U);
}

TEST_F(PublisherTest, ASuccessorSwingsOnceToWhatItWasGiven) {
  publish_at_once(web("/a", model::PathMatchType::kPathPrefix));
  publisher_.reset();
  publisher_ = open();
  EXPECT_EQ(publisher_->generation(), 1U);
  EXPECT_THAT(table(), HasSubstr("prefix /a")) << "the predecessor's table serves on";
  publish_at_once(web("/b.*", model::PathMatchType::kRegularExpression));
  EXPECT_EQ(publisher_->generation(), 2U) << "patterns and rules at once";
  EXPECT_THAT(table(), HasSubstr("/b.*"));
  EXPECT_THAT(table(), Not(HasSubstr("prefix /a")));
}

TEST_F(PublisherTest, ASecondPublisherIsRefused) {
  arena::ArenaOptions options;
  options.directory = directory_.path();
  const auto second = Publisher::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kConflict);
}

TEST_F(PublisherTest, WhatIsGoneLeavesTheTable) {
  publish_at_once(web("/a", model::PathMatchType::kPathPrefix));
  resolve::Delta delta;
  delta.routes_gone = {{model::Kind::kHttpRoute, {"default", "r"}}};
  delta.listeners_gone = {{{"default", "web"}, "http"}};
  delta.backends_gone = {"Service/default/a:80"};
  publish_at_once(delta);
  EXPECT_THAT(table(), Not(HasSubstr("default/r")));
  EXPECT_THAT(table(), Not(HasSubstr("default/web")));
}

// A table that does not fit keeps the one before, and is published once there is room for it.
TEST_F(PublisherTest, AFullArenaKeepsTheTableUntilThereIsRoom) {
  publisher_.reset();
  publisher_ = open(kMebibyte);
  publish_at_once(web("/a", model::PathMatchType::kPathPrefix));
  resolve::Delta big = web("/big", model::PathMatchType::kPathPrefix);
  const model::HttpRouteMatch pattern = big.routes[0].rules[0].matches[0];
  big.routes[0].rules[0].matches.clear();
  for (int i = 0; i < 4000; ++i) {
    model::HttpRouteMatch match = pattern;
    match.path.value = "/big/" + std::to_string(i) + "/" + std::string(400, 'x');
    big.routes[0].rules[0].matches.push_back(match);
  }
  Result<Stage> stage = publisher_->publish(big, now_ms_);
  ASSERT_FALSE(stage);
  EXPECT_EQ(stage.error().code, Errc::kFull);
  EXPECT_THAT(stage.error().message, HasSubstr("no room for the table"));
  EXPECT_FALSE(publisher_->idle());
  EXPECT_FALSE(publisher_->waits_for_workers()) << "changes are taken: one may make room";
  EXPECT_THAT(table(), HasSubstr("prefix /a"));
  EXPECT_FALSE(publisher_->resume(true, now_ms_ + 1000));

  stage = publisher_->publish(web("/small", model::PathMatchType::kPathPrefix), now_ms_ + 10000);
  ASSERT_TRUE(stage) << stage.error().message;
  EXPECT_EQ(*stage, Stage::kDone);
  EXPECT_THAT(table(), HasSubstr("prefix /small"));
}

}  // namespace
}  // namespace sluice::publish
