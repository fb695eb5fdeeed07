// A directory that kubelet mounts from a ConfigMap: files are links through ..data, which is
// swapped.
#include <gmock/gmock.h>

#include "test/unit/controller/source/followed_directory.h"

namespace sluice::source {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class FilesConfigmapTest : public FollowedDirectory {
 protected:
  void fill(const std::string& version, const std::map<std::string, std::string>& files) {
    fs::create_directories(directory / version);
    for (const auto& [name, text] : files)
      write_text(directory / version / name, text);
  }

  void swap_data(const std::string& version) {
    fs::create_symlink(version, directory / "..data_tmp");
    fs::rename(directory / "..data_tmp", directory / "..data");
  }

  void link(const std::string& name) { fs::create_symlink("..data/" + name, directory / name); }
};

TEST_F(FilesConfigmapTest, FilesAreReadOnceThroughData) {
  fill("..2026_1", {{"a.yaml", route_yaml("a", "/1")}});
  swap_data("..2026_1");
  link("a.yaml");
  start();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesConfigmapTest, SwapIsOneBatchWithNewChangedAndRemovedFiles) {
  fill("..2026_1", {{"a.yaml", route_yaml("a", "/1")}, {"gone.yaml", route_yaml("gone", "/1")}});
  swap_data("..2026_1");
  link("a.yaml");
  link("gone.yaml");
  start();
  batches.clear();
  fill("..2026_2", {{"a.yaml", route_yaml("a", "/2")}, {"new.yaml", route_yaml("new", "/1")}});
  poll_once();
  EXPECT_THAT(batches, IsEmpty());
  swap_data("..2026_2");
  poll_once();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_THAT(batches[0].changes, SizeIs(3));
  EXPECT_EQ(path_of("a"), "/2");
  EXPECT_EQ(path_of("new"), "/1");
  EXPECT_EQ(path_of("gone"), "");
  // What kubelet does afterwards changes nothing.
  link("new.yaml");
  fs::remove(directory / "gone.yaml");
  fs::remove_all(directory / "..2026_1");
  catch_up();
  EXPECT_EQ(path_of("a"), "/2");
  EXPECT_EQ(path_of("new"), "/1");
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesConfigmapTest, MountBelowTheDirectoryIsFollowedToo) {
  fs::create_directories(directory / "mounted");
  directory /= "mounted";
  fill("..2026_1", {{"a.yaml", route_yaml("a", "/1")}});
  swap_data("..2026_1");
  link("a.yaml");
  directory = directory.parent_path();
  start();
  EXPECT_EQ(path_of("a"), "/1");
  directory /= "mounted";
  fill("..2026_2", {{"a.yaml", route_yaml("a", "/2")}});
  swap_data("..2026_2");
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

}  // namespace
}  // namespace sluice::source
