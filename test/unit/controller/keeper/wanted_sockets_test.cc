#include "controller/keeper/wanted_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::keeper {
namespace {

using resolve::Socket;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Socket kWeb{"0.0.0.0", 80};
const Socket kAdmin{"127.0.0.1", 81};

resolve::Delta served(const std::string& listener, std::vector<Socket> sockets) {
  resolve::ServedListener open;
  open.key = {{"default", "web"}, listener};
  open.sockets = std::move(sockets);
  resolve::Delta delta;
  delta.listeners.push_back(std::move(open));
  return delta;
}

TEST(WantedSocketsTest, ASocketIsWantedWhileAnyListenerNeedsIt) {
  WantedSockets wanted;
  EXPECT_TRUE(wanted.apply(served("a", {kWeb, kAdmin})));
  EXPECT_FALSE(wanted.apply(served("b", {kWeb})));
  EXPECT_THAT(wanted.all(), ElementsAre(kWeb, kAdmin));
  EXPECT_TRUE(wanted.apply(served("a", {kWeb})));
  EXPECT_THAT(wanted.all(), ElementsAre(kWeb));
  resolve::Delta gone;
  gone.listeners_gone = {{{"default", "web"}, "a"}};
  EXPECT_FALSE(wanted.apply(gone));
  gone.listeners_gone = {{{"default", "web"}, "b"}};
  EXPECT_TRUE(wanted.apply(gone));
  EXPECT_THAT(wanted.all(), IsEmpty());
}

}  // namespace
}  // namespace sluice::keeper
