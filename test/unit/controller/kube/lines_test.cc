#include "controller/kube/lines.h"

#include <gmock/gmock.h>

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;

TEST(LinesTest, LinesAreCutWhereverTheyEnd) {
  const std::string text = "one\n\ntwo\nthree";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Lines lines(100);
    std::vector<std::string> taken;
    const auto take = [&](std::string_view line) {
      taken.emplace_back(line);
      return true;
    };
    lines.add(text.substr(0, cut), take);
    lines.add(text.substr(cut), take);
    EXPECT_THAT(taken, ElementsAre("one", "two")) << cut;
    lines.add("\n", take);
    EXPECT_THAT(taken, ElementsAre("one", "two", "three")) << cut;
  }
}

TEST(LinesTest, ALineThatIsTooLongIsLeftOutAlone) {
  Lines lines(5);
  std::vector<std::string> taken;
  const auto take = [&](std::string_view line) {
    taken.emplace_back(line);
    return true;
  };
  lines.add("12345\n1234", take);
  lines.add("567", take);
  lines.add("89\nabc\n", take);
  EXPECT_THAT(taken, ElementsAre("12345", "abc"));
  EXPECT_EQ(lines.too_long(), 1U);
}

}  // namespace
}  // namespace sluice::kube
