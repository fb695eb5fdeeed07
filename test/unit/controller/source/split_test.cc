#include "controller/source/files/split.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::source {
namespace {

std::string cut(std::string_view text) {
  std::string out;
  for (const DocumentText& each : split_documents(text)) {
    out += std::to_string(each.line) + "[" + std::string(each.text) + "]";
  }
  return out;
}

TEST(SplitTest, DocumentsCountLinesOfTheFile) {
  EXPECT_EQ(cut("a: 1\n---\nb: 2\n"), "1[a: 1\n]2[\nb: 2\n]");
}

TEST(SplitTest, EmptyAndCommentOnlyDocumentsAreLeftOut) {
  EXPECT_EQ(cut(""), "");
  EXPECT_EQ(cut("---\n# nothing\n---\n\n---\na: 1"), "5[\na: 1]");
}

TEST(SplitTest, DirectivesAndEndMarksBelongToNoDocument) {
  EXPECT_EQ(cut("%YAML 1.2\n---\na: 1\n...\n# c\n---\nb: 2\n"), "2[\na: 1\n]6[\nb: 2\n]");
}

TEST(SplitTest, ContentOnTheMarkLineIsKept) {
  EXPECT_EQ(cut("--- {a: 1}\n"), "1[ {a: 1}\n]");
}

TEST(SplitTest, DashesInsideTextAreNoMark) {
  EXPECT_EQ(cut("a: |\n  ---\n  x\n----\n"), "1[a: |\n  ---\n  x\n----\n]");
}

TEST(SplitTest, WindowsLineEndsAndByteOrderMarkAreUnderstood) {
  EXPECT_EQ(cut("\xef\xbb\xbf---\r\na: 1\r\n---\r\nb: 2\r\n"), "1[\r\na: 1\r\n]3[\r\nb: 2\r\n]");
}

}  // namespace
}  // namespace sluice::source
