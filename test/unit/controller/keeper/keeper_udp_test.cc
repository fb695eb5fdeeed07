// UDP addresses: a socket for each worker.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <initializer_list>
#include <list>
#include <optional>
#include <string>

#include "controller/keeper/keeper.h"
#include "fake_worker.h"
#include "shared/base/same_socket.h"
#include "test/harness/temp_directory.h"

namespace sluice::keeper {
namespace {

using resolve::Socket;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;

// From a port of its own.
void send_datagram(const Socket& to) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  EXPECT_EQ(::inet_pton(AF_INET, to.address.c_str(), &address.sin_addr), 1);
  EXPECT_EQ(
      ::sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
      1);
}

int queued_datagrams(const FakeWorker& worker) {
  int count = 0;
  for (const auto& [name, fd] : worker.sockets) {
    char byte = 0;
    while (::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 1)
      ++count;
  }
  return count;
}

class KeeperUdpTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    keeper_.reset();
    auto keeper = Keeper::open(path_, static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(keeper) << keeper.error().message;
    keeper_ = std::move(*keeper);
  }

  FakeWorker& start(int pid) {
    workers_.emplace_back(path_).greet(pid);
    return workers_.back();
  }

  // The other worker of its nginx is not waited for any more: it reads both sockets.
  FakeWorker& start_alone(int pid) {
    FakeWorker& worker = start(pid);
    keeper_->want({socket_}, now_ms_);
    turn();
    EXPECT_LE(worker.sockets.size(), 1U);
    pass_time();
    EXPECT_EQ(worker.sockets.size(), 2U);
    return worker;
  }

  // Until the keeper wants to be woken up.
  void pass_time() {
    const int timeout_ms = keeper_->timeout_ms(now_ms_);
    ASSERT_GT(timeout_ms, 0);
    now_ms_ += static_cast<std::uint64_t>(timeout_ms);
    turn();
  }

  void end(FakeWorker& worker) {
    worker.sockets.clear();
    worker.leave();
    workers_.remove_if([&](const FakeWorker& other) { return &other == &worker; });
  }

  void turn() {
    for (int i = 0; i < 4; ++i) {
      keeper_->poll(now_ms_);
      for (FakeWorker& worker : workers_)
        worker.read();
    }
    keeper_->poll(now_ms_);
  }

  bool is_open() const { return keeper_->data_plane().open_sockets.contains(socket_.text()); }

  TempDirectory directory_;
  const std::string path_ = directory_.path() + "/keeper.sock";
  std::unique_ptr<Keeper> keeper_;
  std::list<FakeWorker> workers_;
  const Socket socket_ = free_socket(resolve::Transport::kUdp);
  std::uint64_t now_ms_ = 1000000;
};

TEST_F(KeeperUdpTest, EveryWorkerReadsASocketOfItsOwn) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  turn();
  keeper_->want({socket_}, now_ms_);
  EXPECT_FALSE(is_open()) << "no worker said that it reads";
  turn();
  ASSERT_EQ(first.sockets.size(), 1U);
  ASSERT_EQ(second.sockets.size(), 1U);
  EXPECT_NE(first.sockets.begin()->first, second.sockets.begin()->first);
  EXPECT_FALSE(
      same_socket(first.sockets.begin()->second.get(), second.sockets.begin()->second.get()));
  EXPECT_TRUE(is_open());
  EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_], 2U);
}

// A session that began just after nginx had started moved to another worker.
TEST_F(KeeperUdpTest, AWorkerThatStartsLaterThanAnotherTakesNothingFromIt) {
  FakeWorker& first = start(11);
  keeper_->want({socket_}, now_ms_);
  turn();
  EXPECT_EQ(first.sockets.size(), 1U);
  EXPECT_FALSE(is_open());
  EXPECT_FALSE(keeper_->shares_settled());
  EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_], 2U)
      << "what comes early waits for its worker";
  FakeWorker& second = start(12);
  turn();
  EXPECT_EQ(second.sockets.size(), 1U);
  EXPECT_THAT(first.heard, Not(Contains(HasSubstr("drop "))));
  EXPECT_TRUE(is_open());
  EXPECT_TRUE(keeper_->shares_settled());
}

TEST_F(KeeperUdpTest, OneWorkerReadsEverythingWhenTheOtherDoesNotCome) {
  FakeWorker& first = start_alone(11);
  EXPECT_TRUE(is_open());
  FakeWorker& second = start(12);
  turn();
  EXPECT_EQ(first.sockets.size(), 1U);
  EXPECT_EQ(second.sockets.size(), 1U);
  EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_], 2U)
      << "the kernel sends nobody elsewhere";
}

// Sessions of a worker moved because another one had been killed.
TEST_F(KeeperUdpTest, AReplacedWorkerGetsBackWhatItsPredecessorRead) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  const std::string of_first = first.sockets.begin()->first;
  const std::string of_second = second.sockets.begin()->first;
  end(second);
  turn();
  const FakeWorker& third = start(13);
  turn();
  EXPECT_THAT(third.sockets, ElementsAre(Key(of_second)));
  EXPECT_THAT(first.sockets, ElementsAre(Key(of_first)));
  end(first);
  turn();
  const FakeWorker& fourth = start(14);
  turn();
  EXPECT_THAT(fourth.sockets, ElementsAre(Key(of_first)));
  EXPECT_THAT(third.sockets, ElementsAre(Key(of_second)));
}

TEST_F(KeeperUdpTest, SharesAreSettledWhenEveryWorkerThatIsHereReadsOne) {
  EXPECT_TRUE(keeper_->shares_settled()) << "nothing is wanted";
  FakeWorker& first = start(11);
  first.answer_opened = false;
  keeper_->want({socket_}, now_ms_);
  turn();
  pass_time();
  ASSERT_EQ(first.sockets.size(), 2U);
  EXPECT_FALSE(keeper_->shares_settled()) << "nobody said that it reads";
  for (const auto& [name, fd] : first.sockets)
    first.say("opened", {{"socket", name}});
  first.answer_opened = true;
  turn();
  EXPECT_TRUE(keeper_->shares_settled());
  FakeWorker& second = start(12);
  second.answer_opened = false;
  turn();
  EXPECT_FALSE(keeper_->shares_settled()) << "a share is changing hands";
  end(second);
  turn();
  EXPECT_TRUE(keeper_->shares_settled());
}

// A client's session moved to another worker just after it had begun.
TEST_F(KeeperUdpTest, AShareIsGivenOnOnlyWhenNobodyReadsItAnyMore) {
  FakeWorker& first = start_alone(11);
  first.answer_dropped = false;
  FakeWorker& second = start(12);
  turn();
  EXPECT_EQ(first.sockets.size(), 1U);
  EXPECT_TRUE(second.sockets.empty()) << "the first one may read it still";
  EXPECT_FALSE(keeper_->shares_settled());
  EXPECT_TRUE(is_open());
  first.say_dropped();
  turn();
  EXPECT_EQ(second.sockets.size(), 1U);
  EXPECT_TRUE(keeper_->shares_settled());
}

// Clients of a share got no answer while the worker that was to let it go hung.
TEST_F(KeeperUdpTest, AShareOfAWorkerThatHangsIsGivenOnInTheEnd) {
  FakeWorker& first = start_alone(11);
  first.answer_dropped = false;
  FakeWorker& second = start(12);
  turn();
  EXPECT_TRUE(second.sockets.empty());
  pass_time();
  EXPECT_EQ(second.sockets.size(), 1U);
}

// Sessions moved when a new controller came: it took the share of a worker in mid-greeting.
TEST_F(KeeperUdpTest, AWorkerKeepsItsShareWhileItsGreetingGoesOn) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  open();
  keeper_->want({socket_}, now_ms_);
  std::list<FakeWorker> again;
  for (FakeWorker* before : {&first, &second}) {
    again.emplace_back(path_).hello(before == &first ? 11 : 12);
    const auto& [name, fd] = *before->sockets.begin();
    again.back().say("have", {{"socket", name}}, fd.get());
  }
  again.front().say("ready");
  for (int i = 0; i < 4; ++i)
    keeper_->poll(now_ms_);
  again.back().say("ready");
  for (int i = 0; i < 4; ++i)
    keeper_->poll(now_ms_);
  for (FakeWorker& worker : again) {
    worker.read();
    EXPECT_THAT(worker.heard, Not(Contains(HasSubstr("drop "))));
    EXPECT_THAT(worker.heard, Not(Contains(HasSubstr("give "))));
  }
}

TEST_F(KeeperUdpTest, WhatAWorkerThatDiesHasQueuedGoesToAnother) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  constexpr int kDatagrams = 64;
  for (int i = 0; i < kDatagrams; ++i)
    send_datagram(socket_);
  end(first);
  turn();
  EXPECT_EQ(second.sockets.size(), 2U);
  EXPECT_EQ(queued_datagrams(second), kDatagrams);
}

TEST_F(KeeperUdpTest, TheAddressStaysOpenWhileAShareChangesHands) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  second.answer_opened = false;
  end(first);
  turn();
  EXPECT_TRUE(is_open());
}

TEST_F(KeeperUdpTest, NewWorkersTakeTheSharesBeforeOldOnesExit) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  FakeWorker& third = start(13);
  FakeWorker& fourth = start(14);
  turn();
  turn();
  EXPECT_TRUE(first.sockets.empty() && second.sockets.empty());
  EXPECT_TRUE(is_open());
  EXPECT_EQ(third.sockets.size(), 1U);
  EXPECT_EQ(fourth.sockets.size(), 1U);
  EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_], 2U);
}

TEST_F(KeeperUdpTest, ARestartedKeeperAdoptsWhatWorkersRead) {
  FakeWorker& first = start(11);
  FakeWorker& second = start(12);
  keeper_->want({socket_}, now_ms_);
  turn();
  std::map<std::string, UniqueFd> held;
  for (FakeWorker* worker : {&first, &second})
    held.merge(worker->sockets);
  workers_.clear();
  open();
  keeper_->want({socket_}, now_ms_);
  for (int pid = 11; auto& [name, fd] : held) {
    FakeWorker& worker = workers_.emplace_back(path_);
    worker.hello(pid++);
    worker.say("have", {{"socket", name}}, fd.get());
    worker.say("ready");
    turn();
    EXPECT_TRUE(worker.sockets.empty()) << "it has what it brought";
  }
  EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_], 2U);
  EXPECT_TRUE(is_open());
}

TEST_F(KeeperUdpTest, AnAddressThatAStrangerHoldsIsNotOpenedBeside) {
  Result<UniqueFd> stranger = open_listening(socket_);
  ASSERT_TRUE(stranger);
  const FakeWorker& worker = start(11);
  keeper_->want({socket_}, now_ms_);
  turn();
  now_ms_ += 4000;
  turn();
  EXPECT_TRUE(worker.sockets.empty());
  EXPECT_THAT(keeper_->data_plane().failed_sockets[socket_.text()], HasSubstr("already in use"));
  stranger->reset();
  now_ms_ += 2000;
  turn();
  EXPECT_EQ(worker.sockets.size(), 2U);
  EXPECT_THAT(keeper_->data_plane().failed_sockets, Not(Contains(Key(socket_.text()))));
}

TEST_F(KeeperUdpTest, ARemovedAddressIsDroppedAndClosed) {
  const FakeWorker& worker = start(11);
  keeper_->want({socket_}, now_ms_);
  turn();
  keeper_->want({}, now_ms_);
  turn();
  EXPECT_TRUE(worker.sockets.empty());
  EXPECT_FALSE(listening_sockets(resolve::Transport::kUdp).contains(socket_));
}

}  // namespace
}  // namespace sluice::keeper
