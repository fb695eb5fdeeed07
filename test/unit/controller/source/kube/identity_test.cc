#include "controller/source/kube/identity.h"

#include <gtest/gtest.h>

#include <fstream>

#include "test/harness/temp_directory.h"

namespace sluice::source {
namespace {

TEST(IdentityTest, ItStaysTheSameAndIsAnotherInAnotherDirectory) {
  const TempDirectory one;
  const TempDirectory other;
  const Result<std::string> first = identity_in(one.path());
  ASSERT_TRUE(first);
  EXPECT_EQ(*identity_in(one.path()), *first);
  EXPECT_NE(*identity_in(other.path()), *first);
}

TEST(IdentityTest, WhatIsNoNumberIsReplaced) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/identity") << "torn";
  const Result<std::string> made = identity_in(directory.path());
  ASSERT_TRUE(made);
  EXPECT_EQ(*identity_in(directory.path()), *made);
}

TEST(IdentityTest, ADirectoryThatIsNotThereIsAnError) {
  EXPECT_FALSE(identity_in("/nowhere"));
}

}  // namespace
}  // namespace sluice::source
