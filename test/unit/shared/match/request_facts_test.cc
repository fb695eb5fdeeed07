#include "shared/match/request_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shared/http/header.h"

namespace sluice::match {
namespace {

class RequestFactsTest : public ::testing::Test {
 protected:
  void add(std::string_view name, std::string_view value) {
    headers_.push_back({http::header_name_hash(name), name, value});
  }

  std::string header(std::string_view name) {
    request_.headers = headers_;
    facts_.begin(request_);
    return std::string(facts_.header(http::header_name_hash(name), name).value_or("(none)"));
  }

  std::vector<HeaderView> headers_;
  RequestView request_;
  RequestFacts facts_;
};

TEST_F(RequestFactsTest, FindsAFieldWithoutRegardToCase) {
  add("Host", "example.com");
  add("X-Version", "2");
  EXPECT_EQ(header("x-version"), "2");
  EXPECT_EQ(header("x-other"), "(none)");
}

TEST_F(RequestFactsTest, JoinsRepeatedFieldsInOrder) {
  add("x-a", "1");
  add("x-b", "other");
  add("X-A", "2");
  add("x-a", "");
  EXPECT_EQ(header("x-a"), "1,2,");
}

TEST_F(RequestFactsTest, TellsFieldsWithEqualHashesApart) {
  ASSERT_EQ(http::header_name_hash("x-ao"), http::header_name_hash("x-c1"));
  add("x-ao", "1");
  add("x-c1", "2");
  EXPECT_EQ(header("x-ao"), "1");
  EXPECT_EQ(header("x-c1"), "2");
}

TEST_F(RequestFactsTest, AJoinedValueThatIsTooLongMatchesNothing) {
  const std::string half(kMaxScratchBytes / 2, 'x');
  add("x-a", half);
  add("x-a", half);
  EXPECT_EQ(header("x-a"), "(none)");
  headers_.pop_back();
  EXPECT_EQ(header("x-a"), half);
}

TEST_F(RequestFactsTest, FindsEveryFieldOfAHugeRequest) {
  std::vector<std::string> names;
  names.reserve(20'000);
  for (int i = 0; i < 20'000; ++i)
    names.push_back("x-" + std::to_string(i));
  for (const std::string& name : names)
    add(name, name);
  EXPECT_EQ(header("x-0"), "x-0");
  EXPECT_EQ(header("x-19999"), "x-19999");
  EXPECT_EQ(header("x-20000"), "(none)");
}

TEST_F(RequestFactsTest, ANewRequestForgetsTheOldOne) {
  add("x-a", "1");
  EXPECT_EQ(header("x-a"), "1");
  headers_.clear();
  EXPECT_EQ(header("x-a"), "(none)");
  request_.query = "a=1";
  facts_.begin(request_);
  EXPECT_EQ(facts_.query("a"), "1");
  request_.query = "b=1";
  facts_.begin(request_);
  EXPECT_EQ(facts_.query("a"), std::nullopt);
}

TEST_F(RequestFactsTest, QueriesComeRawAndDecoded) {
  request_.query = "a=1%202&a=3";
  facts_.begin(request_);
  EXPECT_EQ(facts_.query("a"), "1%202");
  EXPECT_EQ(facts_.decoded_query("a"), "1 2");
  EXPECT_EQ(facts_.decoded_query("b"), std::nullopt);
}

}  // namespace
}  // namespace sluice::match
