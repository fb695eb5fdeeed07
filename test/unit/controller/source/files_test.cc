// Files come, change and go.
#include "controller/source/files/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <thread>

#include "test/unit/controller/source/followed_directory.h"

namespace sluice::source {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FilesTest : public FollowedDirectory {};

TEST_F(FilesTest, StartReadsYamlYmlAndJsonRecursivelyAndSkipsDotNames) {
  write("a.yaml", route_yaml("a", "/a"));
  write("sub/deep/b.yml", route_yaml("b", "/b"));
  write(
      "c.json",
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"c"},"spec":{"ports":[{"port":80}]}})");
  write(".hidden.yaml", route_yaml("hidden", "/h"));
  write(".git/x.yaml", route_yaml("git", "/g"));
  write("notes.txt", "not: [yaml");
  start();
  EXPECT_EQ(path_of("a"), "/a");
  EXPECT_EQ(path_of("b"), "/b");
  EXPECT_NE(store.find_object({model::Kind::kService, {"default", "c"}}), nullptr);
  EXPECT_EQ(path_of("hidden"), "");
  EXPECT_EQ(path_of("git"), "");
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesTest, NewChangedAndDeletedFilesAreFollowed) {
  start();
  write("a.yaml", route_yaml("a", "/1"));
  EXPECT_TRUE(follow([&] { return path_of("a") == "/1"; }));
  write("a.yaml", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
  fs::remove(directory / "a.yaml");
  EXPECT_TRUE(follow([&] { return path_of("a").empty(); }));
}

TEST_F(FilesTest, EmptyFileDeletesItsObjects) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write("a.yaml", "");
  EXPECT_TRUE(follow([&] { return path_of("a").empty(); }));
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesTest, SlowCopyIsReadWhenItIsClosed) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  const std::string text = route_yaml("a", "/2");
  const int fd = ::open((directory / "a.yaml").c_str(), O_WRONLY | O_TRUNC);
  ASSERT_GE(fd, 0);
  for (const char c : text.substr(0, text.size() - 1)) {
    ASSERT_EQ(::write(fd, &c, 1), 1);
    poll_once();
    ASSERT_EQ(path_of("a"), "/1");
  }
  // Nor does looking at everything take half a file for a whole one.
  absorb(source->rescan());
  catch_up();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_THAT(problem_texts(), IsEmpty());
  ASSERT_EQ(::write(fd, "\n", 1), 1);
  ::close(fd);
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

TEST_F(FilesTest, SlowCopyOfANewFileIsReadWhenItIsClosed) {
  start();
  const std::string text = route_yaml("a", "/1") + "---\n" + route_yaml("b", "/2");
  const int fd = ::open((directory / "a.yaml").c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::write(fd, text.data(), 200), 200);
  catch_up();
  EXPECT_EQ(path_of("a"), "");
  ASSERT_GT(::write(fd, text.data() + 200, text.size() - 200), 0);
  ::close(fd);
  EXPECT_TRUE(follow([&] { return path_of("b") == "/2"; }));
}

// A changed file was never read: CLOSE_WRITE comes before the writer is gone, and no other follows.
TEST_F(FilesTest, FileWhoseWriterGoesWithoutAnEventIsRead) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  const fs::path outside = base / "a.yaml";
  fs::create_hard_link(directory / "a.yaml", outside);
  const int fd = ::open(outside.c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  write("a.yaml", route_yaml("a", "/2"));
  catch_up();
  EXPECT_EQ(path_of("a"), "/1");
  ::close(fd);
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

TEST_F(FilesTest, FileDeletedWhileItIsWrittenIsNotWaitedFor) {
  start();
  const int fd = ::open((directory / "a.yaml").c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_GE(fd, 0);
  catch_up();
  absorb(source->rescan());
  fs::remove(directory / "a.yaml");
  catch_up();
  ::close(fd);
  ASSERT_TRUE(follow([&] { return source->timeout_ms() > 100; }));
  EXPECT_EQ(path_of("a"), "");
}

TEST_F(FilesTest, SaveByRenameReplacesInOneStep) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write(".a.yaml.swp", route_yaml("a", "/2"));
  fs::rename(directory / ".a.yaml.swp", directory / "a.yaml");
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

// vim: moves the file to a backup, writes a new one, removes the backup. Emacs and git are alike.
TEST_F(FilesTest, SaveThatMovesTheOldFileAwayFirstNeverLosesTheObject) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  batches.clear();
  fs::rename(directory / "a.yaml", directory / "a.yaml~");
  poll_once();
  const int fd = ::open((directory / "a.yaml").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
  poll_once();
  const std::string text = route_yaml("a", "/2");
  ASSERT_GT(::write(fd, text.data(), text.size()), 0);
  poll_once();
  ::close(fd);
  fs::remove(directory / "a.yaml~");
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
  catch_up();
  for (const Batch& batch : batches) {
    for (const model::Change& change : batch.changes)
      EXPECT_NE(change.object, nullptr);
  }
}

TEST_F(FilesTest, RenamedFileKeepsItsObjectsWithoutAnyChange) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  batches.clear();
  fs::rename(directory / "a.yaml", directory / "b.yaml");
  catch_up();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_THAT(batches, SizeIs(1));  // the marker's
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesTest, DirectoriesComeMoveAndGo) {
  start();
  fs::create_directories(base / "outside/deep");
  write_text(base / "outside/deep/a.yaml", route_yaml("a", "/1"));
  fs::rename(base / "outside", directory / "in");
  EXPECT_TRUE(follow([&] { return path_of("a") == "/1"; }));
  write("in/deep/a.yaml", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
  fs::rename(directory / "in", base / "outside");
  EXPECT_TRUE(follow([&] { return path_of("a").empty(); }));
  write_text(base / "outside/deep/a.yaml", route_yaml("a", "/3"));
  catch_up();
  EXPECT_EQ(path_of("a"), "");
}

TEST_F(FilesTest, LinksToFilesAreFollowedAndLinksToDirectoriesAreNot) {
  fs::create_directories(base / "elsewhere");
  write_text(base / "elsewhere/target.txt", route_yaml("a", "/1"));
  write_text(base / "elsewhere/b.yaml", route_yaml("b", "/b"));
  fs::create_symlink(base / "elsewhere/target.txt", directory / "a.yaml");
  fs::create_directory_symlink(base / "elsewhere", directory / "linked");
  start();
  EXPECT_EQ(path_of("a"), "/1");
  EXPECT_EQ(path_of("b"), "");
  write_text(base / "elsewhere/target.txt", route_yaml("a", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

TEST_F(FilesTest, TheDirectoryItselfMayBeALink) {
  fs::create_directories(base / "v1");
  fs::create_directories(base / "v2");
  write_text(base / "v1/a.yaml", route_yaml("a", "/1"));
  write_text(base / "v2/a.yaml", route_yaml("a", "/2"));
  fs::remove_all(directory);
  fs::create_directory_symlink(base / "v1", directory);
  start();
  EXPECT_EQ(path_of("a"), "/1");
  fs::create_directory_symlink(base / "v2", base / "next");
  fs::rename(base / "next", directory);
  EXPECT_TRUE(follow([&] { return path_of("a") == "/2"; }));
}

TEST_F(FilesTest, DirectoryThatVanishesKeepsItsObjectsAndIsReported) {
  fs::create_directories(base / "v1");
  write_text(base / "v1/a.yaml", route_yaml("a", "/1"));
  fs::remove_all(directory);
  fs::create_directory_symlink(base / "v1", directory);
  start();
  fs::remove(directory);
  EXPECT_TRUE(follow([&] { return !source->problems().empty(); }));
  EXPECT_THAT(problem_texts(), Contains(HasSubstr("cannot be read")));
  EXPECT_EQ(path_of("a"), "/1");
}

TEST_F(FilesTest, BurstOfEventsIsOneBatch) {
  start();
  batches.clear();
  for (int i = 0; i < 50; ++i) {
    write("r" + std::to_string(i) + ".yaml", route_yaml("r" + std::to_string(i), "/"));
  }
  poll_once();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_THAT(batches[0].changes, SizeIs(50));
}

TEST_F(FilesTest, OnlyTheChangedObjectOfAFileIsAnnounced) {
  write("a.yaml", route_yaml("a", "/1") + "---\n" + route_yaml("b", "/1"));
  start();
  batches.clear();
  write("a.yaml", "# a comment\n\n" + route_yaml("a", "/1") + "---\n" + route_yaml("b", "/2"));
  EXPECT_TRUE(follow([&] { return path_of("b") == "/2"; }));
  ASSERT_THAT(batches, SizeIs(1));
  ASSERT_THAT(batches[0].changes, SizeIs(1));
  EXPECT_EQ(batches[0].changes[0].key, route_key("b"));
}

TEST_F(FilesTest, ListItemsAreObjects) {
  write(
      "l.yaml",
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: "
      "one}\n- apiVersion: v1\n  kind: Namespace\n  metadata: {nam: two}\n");
  start();
  EXPECT_NE(store.find_object({model::Kind::kNamespace, {"", "one"}}), nullptr);
  EXPECT_THAT(problem_texts(), Contains(::testing::StartsWith("l.yaml:9")));
}

TEST_F(FilesTest, OtherKindsAreIgnoredAndListedOnce) {
  write("web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n");
  start();
  EXPECT_THAT(source->ignored(), ElementsAre("apps/v1 Deployment shop/web (web.yaml:1)"));
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(FilesTest, TextThatIsNoObjectIsAProblem) {
  write("values.yaml", "replicas: 3\n");
  start();
  EXPECT_THAT(problem_texts(), ElementsAre(HasSubstr("values.yaml:1")));
}

TEST_F(FilesTest, NamespacesOfObjectsAndTheClassExistImplicitly) {
  write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: shop}\n");
  start();
  const auto* shop = store.find<model::Namespace>(model::Kind::kNamespace, {"", "shop"});
  ASSERT_NE(shop, nullptr);
  EXPECT_EQ(shop->meta.labels.at("kubernetes.io/metadata.name"), "shop");
  EXPECT_NE(store.find_object({model::Kind::kNamespace, {"", "default"}}), nullptr);
  const auto* given = store.find<model::GatewayClass>(model::Kind::kGatewayClass, {"", "sluice"});
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(given->controller_name, "sluice.dev/gateway-controller");
  write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b}}\n");
  EXPECT_TRUE(follow([&] {
    const auto* ns = store.find<model::Namespace>(model::Kind::kNamespace, {"", "shop"});
    return ns->meta.labels.contains("a") && ns->meta.labels.contains("kubernetes.io/metadata.name");
  }));
  fs::remove(directory / "a.yaml");
  fs::remove(directory / "ns.yaml");
  EXPECT_TRUE(follow(
      [&] { return store.find_object({model::Kind::kNamespace, {"", "shop"}}) == nullptr; }));
}

TEST_F(FilesTest, ObjectJsonHasNamespaceAndGenerationAndNoStatus) {
  write("a.yaml", route_yaml("a", "/1") + "status: {parents: []}\n");
  start();
  const auto json = nlohmann::json::parse(source->object_json(route_key("a")), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["metadata"]["namespace"], "default");
  EXPECT_EQ(json["metadata"]["generation"], 1);
  EXPECT_FALSE(json.contains("status"));
  EXPECT_EQ(source->object_json(route_key("nobody")), "");
}

TEST_F(FilesTest, RescanSeesAWriteWithoutAnEvent) {
  start();
  write("a.yaml", route_yaml("a", "/1"));
  absorb(source->rescan());
  EXPECT_EQ(path_of("a"), "/1");
  fs::remove(directory / "a.yaml");
  absorb(source->rescan());
  EXPECT_EQ(path_of("a"), "");
}

TEST_F(FilesTest, NothingIsWrittenIntoTheDirectory) {
  write("a.yaml", route_yaml("a", "/1"));
  start();
  write("bad.yaml", "a: [");
  catch_up();
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("a.yaml", "bad.yaml", "zz-marker-1.yaml"));
}

TEST_F(FilesTest, MissingDirectoryIsAnError) {
  const auto opened = open_files({(base / "nowhere").string(), ""});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace sluice::source
