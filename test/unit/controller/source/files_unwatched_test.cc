// Changes that inotify does not tell: of directories that cannot be watched, and of a queue that
// ran over. The clock is the test's; a directory cannot be watched in a user namespace of the
// test's own whose limit of watches is used up, so each such test runs in a child process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "controller/source/files/files.h"
#include "test/unit/controller/source/followed_directory.h"

namespace sluice::source {
namespace {

using ::testing::IsEmpty;

constexpr std::uint64_t kStart = 1'000'000;
constexpr std::uint64_t kLookMs = 2000;  // as files.h says

// From now on this process and its children can have `most` watches.
bool limit_watches(int most) {
  if (::unshare(CLONE_NEWUSER) != 0) return false;
  std::FILE* limit = std::fopen("/proc/sys/user/max_inotify_watches", "w");
  if (limit == nullptr) return false;
  std::fprintf(limit, "%d\n", most);
  return std::fclose(limit) == 0;
}

bool watches_can_be_limited() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(limit_watches(0) ? 0 : 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class UnwatchedFilesTest : public FollowedDirectory {
 protected:
  void SetUp() override {
    if (!watches_can_be_limited()) GTEST_SKIP() << "no user namespace can be made here";
  }

  // Follows the directory in a child process that can have `most` watches, and runs `body` there.
  template <class Body>
  void follow_with_watches(int most, Body body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      if (!limit_watches(most)) ::_exit(2);
      open(kStart);
      if (!HasFailure()) body();
      std::fflush(nullptr);
      ::_exit(HasFailure() ? 1 : 0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "of the child process, which says why above";
  }

  void open(std::uint64_t at) {
    auto opened = open_files({directory.string(), state.string()});
    ASSERT_TRUE(opened) << opened.error().message;
    source = std::move(*opened);
    poll_at(at);
  }

  void poll_at(std::uint64_t at) { absorb(source->poll(at)); }

  bool has_event() const {
    pollfd waiting{source->fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) != 0;
  }
};

TEST_F(UnwatchedFilesTest, AChangedFileIsReadWhenTwoLooksFindItTheSame) {
  write("a.yaml", route_yaml("a", "/1"));
  follow_with_watches(0, [this] {
    EXPECT_EQ(path_of("a"), "/1");
    write("a.yaml", route_yaml("a", "/2"));
    EXPECT_FALSE(has_event());
    poll_at(kStart + kLookMs - 1);
    EXPECT_EQ(source->timeout_ms(), 1);
    EXPECT_EQ(path_of("a"), "/1");
    poll_at(kStart + kLookMs);
    EXPECT_EQ(path_of("a"), "/1");
    poll_at(kStart + 2 * kLookMs);
    EXPECT_EQ(path_of("a"), "/2");
    EXPECT_THAT(problem_texts(), IsEmpty());
  });
}

TEST_F(UnwatchedFilesTest, AFileThatGrowsFromLookToLookIsNotRead) {
  follow_with_watches(0, [this] {
    const std::string text = route_yaml("a", "/1");
    std::uint64_t at = kStart;
    for (std::size_t bytes = text.size() - 5; bytes <= text.size(); ++bytes) {
      write("a.yaml", text.substr(0, bytes));
      poll_at(at += kLookMs);
      EXPECT_EQ(path_of("a"), "") << bytes;
    }
    EXPECT_THAT(problem_texts(), IsEmpty());
    poll_at(at + kLookMs);
    EXPECT_EQ(path_of("a"), "/1");
  });
}

TEST_F(UnwatchedFilesTest, NewDirectoriesAreSeenAndDeletedOnesToo) {
  follow_with_watches(0, [this] {
    write("new/deep/a.yaml", route_yaml("a", "/1"));
    poll_at(kStart + kLookMs);
    poll_at(kStart + 2 * kLookMs);
    EXPECT_EQ(path_of("a"), "/1");
    fs::remove_all(directory / "new");
    poll_at(kStart + 3 * kLookMs - 1);
    EXPECT_EQ(path_of("a"), "/1");
    poll_at(kStart + 3 * kLookMs);
    poll_at(kStart + 3 * kLookMs + 100);
    EXPECT_EQ(path_of("a"), "");
  });
}

// Symptom: a look that came between the two renames of an editor's save deleted the object, and it
// came back only two looks later.
TEST_F(UnwatchedFilesTest, ALookWithinASaveThatMovesTheOldFileAwayFirstLosesNothing) {
  write("a.yaml", route_yaml("a", "/1"));
  follow_with_watches(0, [this] {
    fs::rename(directory / "a.yaml", directory / "a.yaml~");
    poll_at(kStart + kLookMs);
    EXPECT_EQ(path_of("a"), "/1");
    poll_at(kStart + kLookMs);  // when nothing else is to be done, the state is written
    EXPECT_EQ(source->timeout_ms(), 100);
    write("a.yaml", route_yaml("a", "/2"));
    poll_at(kStart + kLookMs + 100);
    EXPECT_EQ(path_of("a"), "/1");  // who knows whether it is all there
    poll_at(kStart + 2 * kLookMs);
    poll_at(kStart + 3 * kLookMs);
    EXPECT_EQ(path_of("a"), "/2");
    EXPECT_EQ(generation_of("a"), 2);
  });
}

TEST_F(UnwatchedFilesTest, RescanReadsWhatIsThereNow) {
  write("a.yaml", route_yaml("a", "/1"));
  follow_with_watches(0, [this] {
    write("a.yaml", route_yaml("a", "/2"));
    write("b.yaml", route_yaml("b", "/1"));
    absorb(source->rescan());
    EXPECT_EQ(path_of("a"), "/2");
    EXPECT_EQ(path_of("b"), "/1");
    fs::remove(directory / "b.yaml");
    absorb(source->rescan());
    EXPECT_EQ(path_of("b"), "");
  });
}

TEST_F(UnwatchedFilesTest, OneDirectoryTooManyIsLookedAtAndTheOthersAreStillWatched) {
  write("a.yaml", route_yaml("a", "/1"));
  write("sub/b.yaml", route_yaml("b", "/1"));
  follow_with_watches(1, [this] {
    write("a.yaml", route_yaml("a", "/2"));
    EXPECT_TRUE(has_event());
    poll_at(kStart + 1);
    EXPECT_EQ(path_of("a"), "/2");
    write("sub/b.yaml", route_yaml("b", "/2"));
    EXPECT_FALSE(has_event());
    poll_at(kStart + kLookMs);
    poll_at(kStart + 2 * kLookMs);
    EXPECT_EQ(path_of("b"), "/2");
  });
}

// ---- a queue that ran over ----

class OverflownFilesTest : public FollowedDirectory {
 protected:
  // More events than the kernel keeps. No two neighbours are alike: those would be one.
  void overflow() {
    int most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    ASSERT_GT(most, 0);
    const std::string one = directory / ".one";
    const std::string other = directory / ".other";
    write_text(one, "");
    for (int i = 0; i <= most; ++i) {
      const std::string& from = i % 2 == 0 ? one : other;
      const std::string& to = i % 2 == 0 ? other : one;
      ASSERT_EQ(std::rename(from.c_str(), to.c_str()), 0);
    }
  }
};

TEST_F(OverflownFilesTest, WhatHappenedAfterTheLastQueuedEventIsFound) {
  write("changed.yaml", route_yaml("changed", "/1"));
  write("deleted.yaml", route_yaml("deleted", "/1"));
  start();
  overflow();
  write("changed.yaml", route_yaml("changed", "/2"));
  write("new/deep/new.yaml", route_yaml("new", "/1"));
  fs::remove(directory / "deleted.yaml");
  const std::uint64_t now = now_ms();
  absorb(source->poll(now));
  EXPECT_EQ(path_of("changed"), "/2");
  EXPECT_EQ(path_of("new"), "/1");
  EXPECT_EQ(path_of("deleted"), "/1");  // it may be an editor's
  absorb(source->poll(now + 100));
  EXPECT_EQ(path_of("deleted"), "");
  EXPECT_THAT(problem_texts(), IsEmpty());
}

TEST_F(OverflownFilesTest, DirectoriesMadeMeanwhileAreWatchedFromThenOn) {
  start();
  overflow();
  fs::create_directories(directory / "new/deep");
  poll_once();
  write("new/deep/a.yaml", route_yaml("a", "/1"));
  poll_once();
  EXPECT_EQ(path_of("a"), "/1");
}

}  // namespace
}  // namespace sluice::source
