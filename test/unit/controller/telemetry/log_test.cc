#include "controller/telemetry/log.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::log {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { set_format(Format::kText); }

  static std::string logged(std::string_view message, std::initializer_list<Field> fields) {
    ::testing::internal::CaptureStderr();
    warning(message, fields);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, TextLineHasTimeLevelMessageAndFields) {
  EXPECT_THAT(logged("listener open", {{"socket", "0.0.0.0:80"}, {"gateway", "a/b"}}),
              MatchesRegex("[0-9:]+\\.[0-9]+ warning listener open  socket=0.0.0.0:80 "
                           "gateway=a/b\n"));
}

TEST_F(LogTest, TextValuesWithSpacesAreQuotedAndNewlinesCannotForgeALine) {
  const std::string line = logged("a\nb", {{"x", "two words\nthree"}});
  EXPECT_THAT(line, EndsWith("a b  x=\"two words\\nthree\"\n"));
}

TEST_F(LogTest, JsonLineParsesWhateverTheBytesAre) {
  set_format(Format::kJson);
  const std::string line = logged("quote \" and \xff byte", {{"key", "line\nbreak"}});
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json.value("level", ""), "warning");
  EXPECT_EQ(json.value("key", ""), "line\nbreak");
  EXPECT_THAT(json.value("message", ""), HasSubstr("quote \" and "));
  EXPECT_THAT(json.value("time", ""), MatchesRegex(".*T.*\\.[0-9]+Z"));
}

TEST_F(LogTest, LevelsBelowTheSetOneAreSilent) {
  set_level(Level::kError);
  const std::string silent = logged("quiet", {});
  set_level(Level::kInfo);
  EXPECT_EQ(silent, "");
  EXPECT_THAT(logged("loud", {}), Not(EndsWith("quiet\n")));
}

}  // namespace
}  // namespace sluice::log
