#include "shared/base/file_text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "test/harness/temp_directory.h"

namespace sluice {
namespace {

TEST(FileTextTest, WhatReplacesATextIsReadBackAndForUsOnly) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/kept";
  ASSERT_TRUE(replace_text(path, "first"));
  const FileVersion before = version_of(path);
  ASSERT_TRUE(replace_text(path, "second"));
  EXPECT_EQ(*read_text(path, 100), "second");
  EXPECT_FALSE(version_of(path) == before);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(FileTextTest, AbsentAndTooLongFilesAreDifferentErrors) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/kept";
  EXPECT_EQ(read_text(path, 100).error().code, Errc::kNotFound);
  ASSERT_TRUE(replace_text(path, "12345"));
  EXPECT_EQ(read_text(path, 4).error().code, Errc::kInvalid);
  EXPECT_EQ(read_text(path, 4).error().message, path + ": more than 4 bytes");
}

TEST(FileTextTest, ATextThatCannotBeReplacedStays) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/kept";
  ASSERT_TRUE(replace_text(path, "first"));
  std::filesystem::create_directory(path + ".new");
  const Result<void> failed = replace_text(path, "second");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(path + ".new: "), std::string::npos);
  EXPECT_EQ(*read_text(path, 100), "first");
}

}  // namespace
}  // namespace sluice
