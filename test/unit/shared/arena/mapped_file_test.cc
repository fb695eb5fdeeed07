#include "shared/arena/mapped_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>

#include "test/harness/temp_directory.h"

namespace sluice::arena {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

class MappedFileTest : public testing::Test {
 protected:
  MappedFile make(std::size_t first_bytes, std::size_t reserve_bytes) {
    Result<MappedFile> file = MappedFile::create(
        path_, {.mode = 0640, .first_bytes = first_bytes, .reserve_bytes = reserve_bytes});
    EXPECT_TRUE(file.has_value()) << file.error().message;
    return std::move(*file);
  }

  TempDirectory directory_;
  std::string path_ = directory_.path() + "/file";
};

TEST_F(MappedFileTest, ReaderSeesGrowthAtTheSameAddressAfterExtend) {
  MappedFile writer = make(kMiB, 8 * kMiB);
  Result<MappedFile> reader = MappedFile::open(path_, Access::kRead, 8 * kMiB);
  ASSERT_TRUE(reader.has_value());
  const std::byte* const base = reader->data();
  EXPECT_FALSE(reader->extend());
  ASSERT_TRUE(writer.grow(2 * kMiB).has_value());
  writer.data()[2 * kMiB - 1] = std::byte{7};
  EXPECT_EQ(reader->bytes(), kMiB);
  EXPECT_TRUE(reader->extend());
  EXPECT_EQ(reader->bytes(), 2 * kMiB);
  EXPECT_EQ(reader->data(), base);
  EXPECT_EQ(reader->data()[2 * kMiB - 1], std::byte{7});
}

TEST_F(MappedFileTest, GrowthBeyondTheReservationIsFull) {
  MappedFile file = make(kMiB, 2 * kMiB);
  const Result<void> grown = file.grow(2 * kMiB + 1);
  ASSERT_FALSE(grown.has_value());
  EXPECT_EQ(grown.error().code, Errc::kFull);
  EXPECT_EQ(file.bytes(), kMiB);
}

TEST_F(MappedFileTest, GrowthWithoutSpaceIsFullAndLeavesTheFileAlone) {
  MappedFile file = make(kMiB, 8 * kMiB);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 2 * kMiB;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<void> grown = file.grow(4 * kMiB);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(grown.has_value());
  EXPECT_EQ(grown.error().code, Errc::kFull);
  EXPECT_EQ(file.bytes(), kMiB);
  EXPECT_TRUE(file.grow(4 * kMiB).has_value());
}

TEST_F(MappedFileTest, SecondCreateKeepsTheBytesAndTheMode) {
  {
    make(kMiB, 8 * kMiB).data()[5] = std::byte{9};
  }
  MappedFile again = make(1, 8 * kMiB);
  EXPECT_EQ(again.bytes(), kMiB);
  EXPECT_EQ(again.data()[5], std::byte{9});
  struct stat status = {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(MappedFileTest, MissingFileIsNotFound) {
  const Result<MappedFile> file = MappedFile::open(path_, Access::kRead, kMiB);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Errc::kNotFound);
}

TEST_F(MappedFileTest, SymbolicLinkIsRefused) {
  ASSERT_EQ(symlink("/etc/passwd", path_.c_str()), 0);
  EXPECT_FALSE(MappedFile::open(path_, Access::kRead, kMiB).has_value());
  EXPECT_FALSE(MappedFile::create(path_, {.first_bytes = 1, .reserve_bytes = kMiB}).has_value());
}

}  // namespace
}  // namespace sluice::arena
