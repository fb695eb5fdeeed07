#include "controller/source/kept_lines.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "test/harness/temp_directory.h"

namespace sluice::source {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeptLinesTest : public ::testing::Test {
 protected:
  Result<void> flush(KeptLines& lines) {
    return lines.flush([this](const KeptLines::Take& take) {
      ++rewrites_;
      for (const std::string& line : live_)
        take(line);
    });
  }

  std::vector<std::string> read() {
    std::vector<std::string> found;
    const Result<std::size_t> damaged =
        KeptLines(path_).read([&found](std::string_view line) { found.emplace_back(line); });
    damaged_ = damaged ? *damaged : 0;
    return found;
  }

  void put(const std::string& bytes) { std::ofstream(path_, std::ios::app) << bytes; }

  TempDirectory directory_;
  std::string path_ = directory_.path() + "/lines.log";
  std::vector<std::string> live_;
  std::size_t damaged_ = 0;
  int rewrites_ = 0;
};

TEST_F(KeptLinesTest, WhatIsAddedIsAppendedAndReadInOrder) {
  KeptLines lines(path_);
  live_ = {"one"};
  lines.add("one");
  ASSERT_TRUE(flush(lines));
  lines.add("two");
  lines.add("one again");
  ASSERT_TRUE(flush(lines));
  EXPECT_EQ(rewrites_, 1);
  EXPECT_FALSE(lines.has_unwritten());
  EXPECT_THAT(read(), ElementsAre("one", "two", "one again"));
}

TEST_F(KeptLinesTest, TheFileIsForItsOwnerAlone) {
  KeptLines lines(path_);
  lines.add("one");
  ASSERT_TRUE(flush(lines));
  struct stat found{};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600);
}

TEST_F(KeptLinesTest, ALineThatACrashToreIsLeftOutAndGoesWithTheNextWrite) {
  KeptLines lines(path_);
  live_ = {"one"};
  lines.add("one");
  ASSERT_TRUE(flush(lines));
  put("0123456789abcdef tw");
  EXPECT_THAT(read(), ElementsAre("one"));
  EXPECT_EQ(damaged_, 1);
  KeptLines next(path_);
  next.add("two");
  live_ = {"one", "two"};
  ASSERT_TRUE(flush(next));
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  EXPECT_EQ(damaged_, 0);
}

TEST_F(KeptLinesTest, AFileOfOldLinesIsWrittenAnew) {
  KeptLines lines(path_);
  live_ = {std::string(200'000, 'x')};
  for (int i = 0; i < 12; ++i) {
    lines.add(live_[0]);
    ASSERT_TRUE(flush(lines));
  }
  EXPECT_EQ(rewrites_, 2);
  EXPECT_LT(std::filesystem::file_size(path_), 2'000'000);
}

TEST_F(KeptLinesTest, WhatCouldNotBeWrittenIsThereAtTheNextWrite) {
  KeptLines lines(path_);
  live_ = {"one"};
  std::filesystem::create_directory(path_ + ".new");
  lines.add("one");
  EXPECT_FALSE(flush(lines));
  std::filesystem::remove(path_ + ".new");
  EXPECT_THAT(read(), IsEmpty());
  lines.add("two");
  live_ = {"one", "two"};
  ASSERT_TRUE(flush(lines));
  EXPECT_THAT(read(), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace sluice::source
