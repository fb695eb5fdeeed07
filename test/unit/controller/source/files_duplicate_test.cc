// The same object in two files.
#include <gmock/gmock.h>

#include "test/unit/controller/source/followed_directory.h"

namespace sluice::source {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class FilesDuplicateTest : public FollowedDirectory {};

TEST_F(FilesDuplicateTest, AtStartTheLexicallySmallerPathWins) {
  write("b.yaml", route_yaml("r", "/b"));
  write("a.yaml", "\n" + route_yaml("r", "/a"));
  start();
  EXPECT_EQ(path_of("r"), "/a");
  EXPECT_THAT(problem_texts(), ElementsAre(AllOf(StartsWith("b.yaml:1 HTTPRoute/default/r"),
                                                 HasSubstr("a.yaml:2"))));
}

TEST_F(FilesDuplicateTest, TheOneAlreadyLiveStays) {
  write("b.yaml", route_yaml("r", "/b"));
  start();
  write("a.yaml", route_yaml("r", "/a"));
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  EXPECT_EQ(path_of("r"), "/b");
  EXPECT_THAT(problem_texts(), ElementsAre(AllOf(StartsWith("a.yaml:1"), HasSubstr("b.yaml:1"))));
}

TEST_F(FilesDuplicateTest, WhenTheWinnerGoesTheOtherTakesOver) {
  write("b.yaml", route_yaml("r", "/b"));
  start();
  write("a.yaml", route_yaml("r", "/a"));
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  fs::remove(directory / "b.yaml");
  EXPECT_TRUE(follow([&] { return path_of("r") == "/a"; }));
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesDuplicateTest, TwiceInOneFileTheFirstWins) {
  write("a.yaml", route_yaml("r", "/1") + "---\n" + route_yaml("r", "/2"));
  start();
  EXPECT_EQ(path_of("r"), "/1");
  EXPECT_THAT(problem_texts(), ElementsAre(AllOf(StartsWith("a.yaml:13"), HasSubstr("a.yaml:1 "))));
}

TEST_F(FilesDuplicateTest, MoveBetweenFilesInOneBurstIsNoDuplicateAndNoGap) {
  write("a.yaml", route_yaml("r", "/1") + "---\n" + route_yaml("s", "/1"));
  start();
  batches.clear();
  write("b.yaml", route_yaml("r", "/2"));
  write("a.yaml", route_yaml("s", "/1"));
  poll_once();
  EXPECT_EQ(path_of("r"), "/2");
  EXPECT_EQ(generation_of("r"), 2);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].changes.size(), 1U);
  EXPECT_THAT(problem_texts(), IsEmpty());
}

}  // namespace
}  // namespace sluice::source
