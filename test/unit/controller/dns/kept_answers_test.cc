#include "controller/dns/kept_answers.h"

#include <gmock/gmock.h>

#include <fstream>

#include "test/harness/temp_directory.h"

namespace sluice::dns {
namespace {

using model::HostAnswer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KeptAnswersTest, WhatIsWrittenIsRead) {
  const TempDirectory directory;
  EXPECT_THAT(*read_answers(directory.path()), IsEmpty());
  const std::vector<HostAnswer> answers = {{"a.example.com", {"10.0.0.1", "2001:db8::1"}},
                                           {"b", {"10.0.0.2"}}};
  ASSERT_TRUE(write_answers(directory.path(), answers));
  EXPECT_EQ(*read_answers(directory.path()), answers);
  ASSERT_TRUE(write_answers(directory.path(), {}));
  EXPECT_THAT(*read_answers(directory.path()), IsEmpty());
}

TEST(KeptAnswersTest, LinesThatMakeNoSenseAreLeftOut) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/dns-answers")
      << "\n \na.example.com\nb.example.com nonsense\nc.example.com 10.0.0.1 \nd 10.0.0";
  EXPECT_THAT(*read_answers(directory.path()),
              ElementsAre(HostAnswer{"c.example.com", {"10.0.0.1"}}));
}

TEST(KeptAnswersTest, ADirectoryThatIsNotThereIsAnError) {
  EXPECT_FALSE(write_answers("/nonexistent", {}));
}

}  // namespace
}  // namespace sluice::dns
