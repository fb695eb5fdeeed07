// What is broken keeps its last good objects, also over a restart.
#include <gmock/gmock.h>

#include "test/unit/controller/source/followed_directory.h"

namespace sluice::source {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class FilesFrozenTest : public FollowedDirectory {
 protected:
  // Polls until what was accepted is on disk.
  void persist() {
    ASSERT_TRUE(follow([&] { return source->timeout_ms() != 0; }));
  }
};

const char kBrokenYaml[] = "apiVersion: v1\nkind: [Oops\n";

std::string refused_route(const std::string& name) {
  return route_yaml(name, "no-slash");
}

TEST_F(FilesFrozenTest, SyntaxErrorFreezesTheWholeFile) {
  write("a.yaml", route_yaml("a", "/1") + "---\n" + route_yaml("b", "/1"));
  write("c.yaml", route_yaml("c", "/1"));
  start();
  write("a.yaml", route_yaml("a", "/2") + "---\n" + kBrokenYaml);
  write("c.yaml", route_yaml("c", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("c") == "/2" && !source->problems().empty(); }));
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_EQ(path_of("b"), "/1");
  EXPECT_THAT(problem_texts(), ElementsAre(StartsWith("a.yaml:1")));
}

TEST_F(FilesFrozenTest, MendedFileCountsAgainAndTheProblemGoes) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write("a.yaml", kBrokenYaml);
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  write("a.yaml", route_yaml("b", "/1"));
  EXPECT_TRUE(follow([&] { return path_of("b") == "/1"; }));
  EXPECT_EQ(path_of("a"), "");
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesFrozenTest, BrokenFileKeepsItsObjectsOverARestart) {
  write("a.yaml", route_yaml("a", "/1") + "---\n" + route_yaml("b", "/1"));
  start();
  write("a.yaml", kBrokenYaml);
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  persist();
  for (int restarts = 0; restarts < 3; ++restarts) {
    start();
    EXPECT_EQ(path_of("a"), "/1");
    EXPECT_EQ(path_of("b"), "/1");
    EXPECT_THAT(problem_texts(), Contains(HasSubstr("a.yaml:")));
    persist();
  }
  write("a.yaml", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2" && path_of("b").empty(); }));
  EXPECT_EQ(generation_of("a"), 2);
}

TEST_F(FilesFrozenTest, FileBrokenWhileNobodyRanKeepsItsObjects) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  persist();
  source.reset();
  write("a.yaml", kBrokenYaml);
  start();
  EXPECT_EQ(path_of("a"), "/1");
}

TEST_F(FilesFrozenTest, FileDeletedWhileNobodyRanDeletesItsObjects) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  persist();
  source.reset();
  fs::remove(directory / "a.yaml");
  start();
  EXPECT_EQ(path_of("a"), "");
}

TEST_F(FilesFrozenTest, RefusedDocumentFreezesOnlyItsObject) {
  write("a.yaml", route_yaml("a", "/1") + "---\n" + route_yaml("b", "/1"));
  start();
  write("a.yaml", refused_route("a") + "---\n" + route_yaml("b", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("b") == "/2"; }));
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_THAT(problem_texts(),
              ElementsAre(HasSubstr("HTTPRoute/default/a spec.rules[0].matches[0].path")));
  persist();
  start();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_EQ(path_of("b"), "/2");
}

TEST_F(FilesFrozenTest, ProblemNamesTheLineOfTheField) {
  write("a.yaml", route_yaml("ok", "/1") + "---\n" + refused_route("a"));
  start();
  // 11 lines, the mark, and the 10th line of the second document.
  EXPECT_THAT(problem_texts(), ElementsAre(StartsWith("a.yaml:22 ")));
  write("a.yaml", "# one more line\n" + route_yaml("ok", "/1") + "---\n" + refused_route("a"));
  catch_up();
  EXPECT_THAT(problem_texts(), ElementsAre(StartsWith("a.yaml:23 ")));
}

TEST_F(FilesFrozenTest, ObjectThatWasNeverAcceptedIsNotServed) {
  write("a.yaml", refused_route("a"));
  start();
  EXPECT_EQ(path_of("a"), "");
  EXPECT_THAT(problem_texts(), ElementsAre(HasSubstr("HTTPRoute/default/a")));
}

TEST_F(FilesFrozenTest, DocumentWithoutANameKeepsWhatWouldVanish) {
  write("a.yaml", route_yaml("a", "/1") + "---\n" + route_yaml("b", "/1"));
  start();
  std::string nameless = route_yaml("a", "/2");
  nameless.replace(nameless.find("name: a"), 7, "nam: a");
  write("a.yaml", nameless + "---\n" + route_yaml("b", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("b") == "/2"; }));
  EXPECT_EQ(path_of("a"), "/1");
  persist();
  start();
  EXPECT_EQ(path_of("a"), "/1");
  write("a.yaml", route_yaml("b", "/3"));
  EXPECT_TRUE(follow([&] { return path_of("b") == "/3"; }));
  EXPECT_EQ(path_of("a"), "");
}

TEST_F(FilesFrozenTest, DeletingABrokenFileDeletesItsObjects) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write("a.yaml", kBrokenYaml);
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  fs::remove(directory / "a.yaml");
  EXPECT_TRUE(follow([&] { return path_of("a").empty() && source->problems().empty(); }));
}

TEST_F(FilesFrozenTest, DamagedAcceptedLogLosesOnlyItsDamagedLines) {
  write("a.yaml", route_yaml("a", "/1"));
  write("b.yaml", route_yaml("b", "/1"));
  start();
  persist();
  source.reset();
  write("a.yaml", kBrokenYaml);
  write("b.yaml", kBrokenYaml);
  const fs::path log = state / "accepted/objects.log";
  ASSERT_GT(fs::file_size(log), 100U);
  fs::resize_file(log, fs::file_size(log) - 10);
  start();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_EQ(path_of("b"), "");
}

TEST_F(FilesFrozenTest, GenerationCountsChangesOfTheSpecAndSurvivesARestart) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  EXPECT_EQ(generation_of("a"), 1);
  write("a.yaml", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return generation_of("a") == 2; }));
  std::string labelled = route_yaml("a", "/2");
  labelled.replace(labelled.find("  name: a\n"), 10, "  name: a\n  labels: {x: y}\n");
  batches.clear();
  write("a.yaml", labelled);
  EXPECT_TRUE(follow([&] { return !batches.empty(); }));
  EXPECT_EQ(generation_of("a"), 2);
  persist();
  start();
  EXPECT_EQ(generation_of("a"), 2);
  persist();
  source.reset();
  write("a.yaml", route_yaml("a", "/3"));
  start();
  EXPECT_EQ(generation_of("a"), 3);
}

TEST_F(FilesFrozenTest, DeletedAndCreatedAgainStartsAtGenerationOne) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write("a.yaml", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return generation_of("a") == 2; }));
  fs::remove(directory / "a.yaml");
  EXPECT_TRUE(follow([&] { return path_of("a").empty(); }));
  write("a.yaml", route_yaml("a", "/1"));
  EXPECT_TRUE(follow([&] { return generation_of("a") == 1; }));
}

}  // namespace
}  // namespace sluice::source
