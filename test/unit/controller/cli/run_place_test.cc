// Which directories a run has, and which Sluice a verb finds.
#include "controller/cli/run_place.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "controller/cli/places.h"
#include "controller/cli/target.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class RunPlaceTest : public ::testing::Test {
 protected:
  RunPlaceTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-run-XXXXXX").string();
    base = ::mkdtemp(pattern.data());
    fs::create_directories(base / "m");
    ::unsetenv("SLUICE_STATE_DIR");
  }

  ~RunPlaceTest() override { fs::remove_all(base); }

  fs::path base;
};

TEST_F(RunPlaceTest, IsLockedRegisteredAndCleaned) {
  const std::string state = (base / "s").string();
  auto place = make_run_place((base / "m").string(), state);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_TRUE(fs::is_directory(place->table));
  EXPECT_THAT(find_runs(), Contains(place->state));

  const auto second = make_run_place((base / "m").string(), state);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kConflict);

  fs::create_directories(base / "s/accepted");
  fs::create_directories(base / "s/temp/body");
  clean_run_place(*place);
  EXPECT_FALSE(fs::exists(place->table));
  EXPECT_FALSE(fs::exists(base / "s/temp"));
  EXPECT_TRUE(fs::exists(base / "s/accepted"));
  EXPECT_THAT(find_runs(), Not(Contains(place->state)));
}

TEST_F(RunPlaceTest, RunThatDiedIsForgotten) {
  std::string state;
  {
    auto place = make_run_place((base / "m").string(), (base / "s").string());
    ASSERT_TRUE(place);
    state = place->state;
    fs::remove_all(place->table);
  }
  EXPECT_THAT(find_runs(), Not(Contains(state)));
}

TEST_F(RunPlaceTest, MissingDirectoryIsAnError) {
  const auto place = make_run_place((base / "nowhere").string(), (base / "s").string());
  ASSERT_FALSE(place);
  EXPECT_THAT(place.error().message, HasSubstr("nowhere"));
}

TEST_F(RunPlaceTest, DirectoryThatIsALinkIsNotOurs) {
  fs::create_directory_symlink(base / "m", base / "link");
  EXPECT_FALSE(make_own_directory((base / "link").string(), 0700));
  fs::permissions(base / "m", fs::perms::all);
  EXPECT_TRUE(make_own_directory((base / "m").string(), 0700));
  struct stat status{};
  ASSERT_EQ(::stat((base / "m").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(RunPlaceTest, TargetIsWhatIsNamedThenTheEnvironment) {
  TargetOptions target;
  target.state_directory = "/a";
  EXPECT_EQ(*find_socket(target), "/a/control.sock");
  target.socket = "/b.sock";
  EXPECT_EQ(*find_socket(target), "/b.sock");
  ::setenv("SLUICE_STATE_DIR", "/c", 1);
  EXPECT_EQ(*find_socket({}), "/c/control.sock");
  ::unsetenv("SLUICE_STATE_DIR");
}

TEST_F(RunPlaceTest, NginxComesFromTheOptionThenTheEnvironment) {
  EXPECT_EQ(*find_nginx("/bin/sh"), "/bin/sh");
  EXPECT_FALSE(find_nginx((base / "none").string()));
  ::setenv("SLUICE_NGINX", "/bin/true", 1);
  EXPECT_EQ(*find_nginx(""), "/bin/true");
  ::setenv("SLUICE_NGINX", base.c_str(), 1);
  EXPECT_FALSE(find_nginx(""));
  ::unsetenv("SLUICE_NGINX");
}

}  // namespace
}  // namespace sluice::cli
