#include "shared/http/path.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

std::string normalised(std::string_view raw) {
  std::array<char, 4096> buffer;
  const NormalisedPath result = normalise_path(raw, buffer);
  switch (result.status) {
    case PathStatus::kUnchanged:
      EXPECT_EQ(result.path.data(), raw.data());
      EXPECT_EQ(result.path, raw);
      return std::string(raw);
    case PathStatus::kChanged:
      EXPECT_EQ(result.path.data(), buffer.data());
      return std::string(result.path) + " (changed)";
    case PathStatus::kMalformed:
      return "(malformed)";
    case PathStatus::kAboveRoot:
      return "(above root)";
    case PathStatus::kTooLong:
      return "(too long)";
  }
  return "(?)";
}

TEST(PathTest, PlainPathsAreForwardedRaw) {
  for (const char* raw : {"/", "/a/b", "/a/", "//", "/a//b", "/a.b/c..d", "/.well-known/x", "/..a",
                          "/a;b=c", "/a/.../b", "/caf\xc3\xa9", "/a\\b", "/a%2Fb", "/%25"}) {
    EXPECT_EQ(normalised(raw), raw);
  }
}

TEST(PathTest, UnreservedEscapesAreDecoded) {
  EXPECT_EQ(normalised("/%61%7E%2D%5f%2e%30x"), "/a~-_.0x (changed)");
}

TEST(PathTest, OtherEscapesStayAndGetUpperCaseDigits) {
  EXPECT_EQ(normalised("/a%2fb"), "/a%2Fb (changed)");
  EXPECT_EQ(normalised("/%c3%A9"), "/%C3%A9 (changed)");
  EXPECT_EQ(normalised("/%252e%252e/"), "/%252e%252e/");
}

TEST(PathTest, DotSegmentsAreResolved) {
  EXPECT_EQ(normalised("/a/./b"), "/a/b (changed)");
  EXPECT_EQ(normalised("/a/../b"), "/b (changed)");
  EXPECT_EQ(normalised("/a/b/.."), "/a/ (changed)");
  EXPECT_EQ(normalised("/a/."), "/a/ (changed)");
  EXPECT_EQ(normalised("/."), "/ (changed)");
  EXPECT_EQ(normalised("/a/.."), "/ (changed)");
  EXPECT_EQ(normalised("/a/%2e%2E/b"), "/b (changed)");
  EXPECT_EQ(normalised("/a/b/../../c"), "/c (changed)");
}

TEST(PathTest, AnEmptySegmentIsASegment) {
  EXPECT_EQ(normalised("/a//../b"), "/a/b (changed)");
  EXPECT_EQ(normalised("//.."), "/ (changed)");
}

TEST(PathTest, AnEncodedSlashNeverSeparates) {
  EXPECT_EQ(normalised("/a/..%2Fb"), "/a/..%2Fb");
  EXPECT_EQ(normalised("/a%2F../b"), "/a%2F../b");
}

TEST(PathTest, LeavingTheRootIsRefused) {
  EXPECT_EQ(normalised("/.."), "(above root)");
  EXPECT_EQ(normalised("/../a"), "(above root)");
  EXPECT_EQ(normalised("/a/../../b"), "(above root)");
  EXPECT_EQ(normalised("/%2e%2e"), "(above root)");
}

TEST(PathTest, MalformedPathsAreRefused) {
  for (const char* raw :
       {"", "*", "a", "/%", "/%4", "/%zz", "/%00", "/a b", "/a\x7f", "/a#b", "/%61\x01", "/./a#"}) {
    EXPECT_EQ(normalised(raw), "(malformed)") << raw;
  }
}

TEST(PathTest, NormalisingTwiceChangesNothing) {
  for (const char* raw : {"/%61/../b", "/a/%2e/./%2f", "//a/..//b/.", "/%7e/%41"}) {
    const std::string once = normalised(raw);
    const std::string path = once.substr(0, once.find(' '));
    EXPECT_EQ(normalised(path), path) << raw;
  }
}

TEST(PathTest, AChangeNeedsABufferOfTheRawSize) {
  std::array<char, 4> small;
  EXPECT_EQ(normalise_path("/%61", small).path, "/a");
  EXPECT_EQ(normalise_path("/%61b", small).status, PathStatus::kTooLong);
  EXPECT_EQ(normalise_path("/abcdef", small).status, PathStatus::kUnchanged);
}

}  // namespace
}  // namespace sluice::http
