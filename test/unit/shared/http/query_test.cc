#include "shared/http/query.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

std::string value_of(std::string_view query, std::string_view name) {
  QueryParameters parameters;
  parameters.parse(query);
  const QueryParameter* found = parameters.find(name);
  return found == nullptr ? "(none)" : std::string(found->value);
}

TEST(QueryTest, ParametersAreCutAtAmpersandAndFirstEquals) {
  EXPECT_EQ(value_of("a=1&b=2", "b"), "2");
  EXPECT_EQ(value_of("a=1=2", "a"), "1=2");
  EXPECT_EQ(value_of("a=1;b=2", "a"), "1;b=2");
  EXPECT_EQ(value_of("a&b", "a"), "");
  EXPECT_EQ(value_of("a=", "a"), "");
  EXPECT_EQ(value_of("", "a"), "(none)");
  EXPECT_EQ(value_of("A=1", "a"), "(none)");
}

TEST(QueryTest, TheFirstOfRepeatedNamesCounts) {
  EXPECT_EQ(value_of("a=1&a=2", "a"), "1");
}

TEST(QueryTest, NamesAreComparedDecoded) {
  EXPECT_EQ(value_of("%61b=1", "ab"), "1");
  EXPECT_EQ(value_of("a+b=1", "a b"), "1");
}

TEST(QueryTest, EmptyPiecesAreNoParameters) {
  QueryParameters parameters;
  parameters.parse("&&a=1&&");
  EXPECT_EQ(parameters.size(), 1U);
}

TEST(QueryTest, OnlySoManyParametersCount) {
  std::string query;
  for (std::size_t i = 0; i < kMaxQueryParameters; ++i)
    query += "x=1&";
  EXPECT_EQ(value_of(query.substr(4) + "last=1", "last"), "1");
  EXPECT_EQ(value_of(query + "last=1", "last"), "(none)");
}

TEST(QueryTest, ParsingAgainForgets) {
  QueryParameters parameters;
  parameters.parse("a=1&b=2");
  parameters.parse("c=3");
  EXPECT_EQ(parameters.find("a"), nullptr);
  EXPECT_NE(parameters.find("c"), nullptr);
}

TEST(QueryTest, ValuesDecodeEscapesAndPlus) {
  EXPECT_TRUE(decodes_to("a%20b+c", "a b c"));
  EXPECT_TRUE(decodes_to("%e4", "\xe4"));
  EXPECT_FALSE(decodes_to("a", "ab"));
  EXPECT_FALSE(decodes_to("ab", "a"));
  EXPECT_FALSE(decodes_to("a%62", "a"));
}

TEST(QueryTest, ABrokenEscapeStandsForItself) {
  EXPECT_TRUE(decodes_to("100%", "100%"));
  EXPECT_TRUE(decodes_to("%4", "%4"));
  EXPECT_TRUE(decodes_to("%zz", "%zz"));
}

TEST(QueryTest, DecodingIntoABufferIsBounded) {
  std::array<char, 3> buffer;
  EXPECT_EQ(decode_query("a+b", buffer), "a b");
  EXPECT_EQ(decode_query("%61%62%63", buffer), "abc");
  EXPECT_EQ(decode_query("a+bc", buffer), std::nullopt);
  const std::string_view plain = "longer than the buffer";
  EXPECT_EQ(decode_query(plain, buffer)->data(), plain.data());
}

}  // namespace
}  // namespace sluice::http
