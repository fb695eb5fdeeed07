#include "controller/publish/table_sockets.h"

#include <gtest/gtest.h>

#include "controller/publish/publisher.h"
#include "test/harness/temp_directory.h"

namespace sluice::publish {
namespace {

using Sockets = std::set<resolve::Socket>;

TEST(TableSocketsTest, AreThoseOfTheListenersThatThePredecessorPublished) {
  const TempDirectory directory;
  EXPECT_EQ(sockets_of_table(directory.path()), Sockets{}) << "there is no table";
  const Sockets sockets = {{"10.0.0.1", 80}, {"0.0.0.0", 8080}, {"::", 8080}, {"fd00::1", 443}};
  {
    arena::ArenaOptions options;
    options.directory = directory.path();
    const auto publisher = Publisher::open(options);
    ASSERT_TRUE(publisher) << publisher.error().message;
    EXPECT_EQ(sockets_of_table(directory.path()), Sockets{}) << "nothing is published yet";
    resolve::Delta delta;
    delta.listeners = {
        {{{"default", "web"}, "http"}, "", 80, 80, {sockets.begin(), sockets.end()}}};
    ASSERT_TRUE((*publisher)->publish(delta, 1000));
  }
  EXPECT_EQ(sockets_of_table(directory.path()), sockets);
}

}  // namespace
}  // namespace sluice::publish
