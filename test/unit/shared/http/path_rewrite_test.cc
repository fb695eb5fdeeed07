#include "shared/http/path_rewrite.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

std::string prefix(std::string_view path, std::string_view matched, std::string_view replacement) {
  std::array<char, 256> buffer;
  const auto result = replace_prefix(path, matched.size(), replacement, buffer);
  return result ? std::string(*result) : "(none)";
}

std::string full(std::string_view replacement) {
  std::array<char, 256> buffer;
  const auto result = replace_full_path(replacement, buffer);
  return result ? std::string(*result) : "(none)";
}

// A match of "/foo/" is a match of "/foo".
TEST(PathRewriteTest, TheTableOfTheSpecificationHolds) {
  EXPECT_EQ(prefix("/foo/bar", "/foo", "/xyz"), "/xyz/bar");
  EXPECT_EQ(prefix("/foo/bar", "/foo", "/xyz/"), "/xyz/bar");
  EXPECT_EQ(prefix("/foo", "/foo", "/xyz"), "/xyz");
  EXPECT_EQ(prefix("/foo/", "/foo", "/xyz"), "/xyz/");
  EXPECT_EQ(prefix("/foo/bar", "/foo", ""), "/bar");
  EXPECT_EQ(prefix("/foo/bar", "/foo", "/"), "/bar");
  EXPECT_EQ(prefix("/foo", "/foo", ""), "/");
  EXPECT_EQ(prefix("/foo/", "/foo", ""), "/");
  EXPECT_EQ(prefix("/foo", "/foo", "/"), "/");
  EXPECT_EQ(prefix("/foo/", "/foo", "/"), "/");
}

TEST(PathRewriteTest, TheRootPrefixPutsItsReplacementInFront) {
  EXPECT_EQ(prefix("/bar", "", "/xyz"), "/xyz/bar");
  EXPECT_EQ(prefix("/", "", "/xyz"), "/xyz/");
  EXPECT_EQ(prefix("/bar", "", "/"), "/bar");
}

TEST(PathRewriteTest, WhatIsBehindThePrefixStaysAsItIs) {
  EXPECT_EQ(prefix("/foo/a%2Fb//c;d='\"\xc3\xa9", "/foo", "/x"), "/x/a%2Fb//c;d='\"\xc3\xa9");
}

TEST(PathRewriteTest, TheResultBeginsWithOneSlash) {
  EXPECT_EQ(prefix("/foo//evil.example", "/foo", "/"), "/evil.example");
  EXPECT_EQ(prefix("/foo//", "/foo", ""), "/");
  EXPECT_EQ(prefix("/foo/bar", "/foo", "//xyz"), "/xyz/bar");
  EXPECT_EQ(full("//evil.example/x"), "/evil.example/x");
  EXPECT_EQ(full("relative"), "/relative");
  EXPECT_EQ(full(""), "/");
}

TEST(PathRewriteTest, AReplacementIsEscapedWhereAPathCannotHoldIt) {
  EXPECT_EQ(full("/a b?c#d"), "/a%20b%3Fc%23d");
  EXPECT_EQ(full("/100%/%41%2f"), "/100%25/%41%2f");
  EXPECT_EQ(full("/\r\nX: y"), "/%0D%0AX:%20y");
  EXPECT_EQ(full("/caf\xc3\xa9%00"), "/caf%C3%A9%2500");
}

TEST(PathRewriteTest, APrefixLongerThanThePathIsAllOfIt) {
  EXPECT_EQ(prefix("/foo", "/foo/and/more", "/x"), "/x");
}

TEST(PathRewriteTest, APrefixThatEndsWithinASegmentIsSeparated) {
  EXPECT_EQ(prefix("/foobar", "/foo", "/x"), "/x/bar");
}

TEST(PathRewriteTest, ATooSmallBufferGivesNothing) {
  std::array<char, 5> buffer;
  EXPECT_EQ(replace_prefix("/foo/bar", 4, "/xyz", buffer), std::nullopt);
  EXPECT_EQ(replace_full_path("/12345", buffer), std::nullopt);
  EXPECT_EQ(replace_full_path("/1234", buffer), "/1234");
}

}  // namespace
}  // namespace sluice::http
