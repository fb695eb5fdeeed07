#include "controller/keeper/keeper.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <filesystem>

#include "fake_worker.h"
#include "shared/base/same_socket.h"

namespace sluice::keeper {
namespace {

using resolve::Socket;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Time is what the tests say it is; the sockets are real.
class KeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "keeper.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/keeper.sock";
    open();
  }

  void TearDown() override {
    keeper_.reset();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    Result<std::unique_ptr<Keeper>> keeper = Keeper::open(path_, static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(keeper) << keeper.error().message;
    keeper_ = std::move(*keeper);
  }

  // Lets what was said arrive and be answered: local sockets deliver at once.
  void turn(std::initializer_list<FakeWorker*> workers) {
    for (int i = 0; i < 3; ++i) {
      keeper_->poll(now_ms_);
      for (FakeWorker* worker : workers)
        worker->read();
    }
    keeper_->poll(now_ms_);
  }

  std::string directory_;
  std::string path_;
  std::unique_ptr<Keeper> keeper_;
  std::uint64_t now_ms_ = 1000000;
};

TEST_F(KeeperTest, TheSocketIsForTheGroupOnly) {
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(KeeperTest, ASecondKeeperIsRefusedAndADeadOnesSocketIsReplaced) {
  const auto second = Keeper::open(path_, static_cast<std::uint32_t>(-1));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kConflict);

  const std::string left_over = directory_ + "/left-over.sock";
  std::filesystem::rename(path_, left_over);
  keeper_.reset();
  EXPECT_TRUE(Keeper::open(left_over, static_cast<std::uint32_t>(-1)));
}

TEST_F(KeeperTest, APathThatIsTooLongIsRefused) {
  const auto keeper = Keeper::open(directory_ + "/" + std::string(120, 'x'), 0);
  ASSERT_FALSE(keeper);
  EXPECT_THAT(keeper.error().message, HasSubstr("107 characters"));
}

TEST_F(KeeperTest, NothingIsOpenedBeforeAWorkerComes) {
  const Socket socket{"127.0.0.1", free_port()};
  keeper_->want({socket}, now_ms_);
  EXPECT_FALSE(can_connect(socket));
  EXPECT_FALSE(keeper_->data_plane().any_worker);
  EXPECT_TRUE(keeper_->data_plane().listeners_on);
}

TEST_F(KeeperTest, EveryWorkerGetsTheSameSocketAndOnlyThenItCountsAsOpen) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker first(path_);
  FakeWorker second(path_);
  first.greet(11);
  second.greet(12);
  turn({&first, &second});
  second.answer_opened = false;
  keeper_->want({socket}, now_ms_);
  turn({&first, &second});
  ASSERT_EQ(first.sockets.size(), 1U);
  ASSERT_EQ(second.sockets.size(), 1U);
  EXPECT_TRUE(
      same_socket(first.sockets.begin()->second.get(), second.sockets.begin()->second.get()));
  EXPECT_TRUE(can_connect(socket));
  EXPECT_THAT(keeper_->data_plane().open_sockets, IsEmpty());
  second.say("opened", {{"socket", wire_name({socket})}});
  turn({&first, &second});
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
}

TEST_F(KeeperTest, EveryWorkerGetsTheCertificatesBeforeAnySocket) {
  const Socket socket{"127.0.0.1", free_port()};
  keeper_->hand_out_secrets(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  keeper_->want({socket}, now_ms_);
  FakeWorker first(path_);
  FakeWorker second(path_);
  turn({&first, &second});
  EXPECT_THAT(first.heard, IsEmpty());
  first.greet(1);
  second.greet(2, false);
  turn({&first, &second});
  ASSERT_EQ(first.heard.size(), 2U);
  EXPECT_EQ(first.heard[0], "secrets");
  EXPECT_THAT(first.heard[1], HasSubstr("give "));
  EXPECT_EQ(second.heard, std::vector<std::string>{"secrets"});
}

TEST_F(KeeperTest, ARespawnedWorkerGetsItsSocketsAndTakesNothingBack) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker first(path_);
  first.greet(11);
  keeper_->want({socket}, now_ms_);
  keeper_->announce(5, now_ms_);
  turn({&first});
  first.acknowledge(5);
  FakeWorker second(path_);
  second.answer_opened = false;
  second.greet(12);
  turn({&first, &second});
  EXPECT_EQ(second.generation, 5U);
  EXPECT_EQ(second.sockets.size(), 1U);
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
  EXPECT_EQ(keeper_->data_plane().acknowledged, 5U);
}

TEST_F(KeeperTest, AWorkerWithoutListenersGetsNone) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11, false);
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  EXPECT_THAT(worker.sockets, IsEmpty());
  EXPECT_FALSE(can_connect(socket));
  EXPECT_TRUE(keeper_->data_plane().any_worker);
  EXPECT_FALSE(keeper_->data_plane().listeners_on);
}

TEST_F(KeeperTest, ASocketThatIsNoLongerWantedIsDroppedAndClosed) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  ASSERT_TRUE(can_connect(socket));
  keeper_->want({}, now_ms_);
  EXPECT_TRUE(can_connect(socket)) << "the worker's copy keeps it open until the worker drained it";
  turn({&worker});
  EXPECT_EQ(worker.heard.back(), "drop socket=" + wire_name({socket}));
  EXPECT_FALSE(can_connect(socket));
}

TEST_F(KeeperTest, ASocketThatIsWantedAgainWhileAWorkerDrainsItIsOpenedAfterwards) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  keeper_->want({}, now_ms_);
  keeper_->want({socket}, now_ms_);
  EXPECT_THAT(keeper_->data_plane().failed_sockets, IsEmpty());
  turn({&worker});
  EXPECT_FALSE(can_connect(socket));
  now_ms_ += static_cast<std::uint64_t>(keeper_->timeout_ms(now_ms_));
  turn({&worker});
  EXPECT_TRUE(can_connect(socket));
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
}

TEST_F(KeeperTest, ARestartedKeeperAdoptsWhatWorkersHold) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker before(path_);
  before.greet(11);
  keeper_->want({socket}, now_ms_);
  turn({&before});
  UniqueFd held = std::move(before.sockets.begin()->second);
  before.leave();
  keeper_.reset();
  ASSERT_TRUE(can_connect(socket));

  open();
  keeper_->want({socket}, now_ms_);
  FakeWorker empty(path_);
  empty.greet(12);
  turn({&empty});
  EXPECT_THAT(empty.sockets, IsEmpty()) << "nothing is bound beside a socket that is in use";
  EXPECT_THAT(keeper_->data_plane().failed_sockets, IsEmpty());
  FakeWorker holder(path_);
  holder.hello(11);
  holder.say("have", {{"socket", wire_name({socket})}}, held.get());
  holder.say("ready");
  turn({&holder, &empty});
  ASSERT_EQ(empty.sockets.size(), 1U);
  EXPECT_TRUE(same_socket(empty.sockets.begin()->second.get(), held.get()));
  EXPECT_THAT(holder.sockets, IsEmpty()) << "it is not given what it has";
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
}

TEST_F(KeeperTest, AdoptedSocketsAreKeptUntilItIsKnownWhatIsWanted) {
  Result<UniqueFd> held = open_listening({"127.0.0.1", 0});
  ASSERT_TRUE(held);
  const Socket socket = *listening_address(held->get());
  FakeWorker worker(path_);
  worker.hello(11);
  worker.say("have", {{"socket", wire_name({socket})}}, held->get());
  worker.say("ready");
  turn({&worker});
  EXPECT_THAT(worker.heard, IsEmpty());
  keeper_->want({}, now_ms_);
  turn({&worker});
  EXPECT_THAT(worker.heard, Contains("drop socket=" + wire_name({socket})));
}

TEST_F(KeeperTest, ADescriptorThatIsNotWhatItsNameSaysIsNotAdopted) {
  const Socket socket{"127.0.0.1", free_port()};
  UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  FakeWorker worker(path_);
  worker.hello(11);
  worker.say("have", {{"socket", wire_name({socket})}}, other.get());
  worker.say("have", {{"socket", wire_name({socket})}});
  worker.say("ready");
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  EXPECT_EQ(worker.sockets.size(), 1U) << "the keeper opened its own";
}

TEST_F(KeeperTest, AWorkersOwnSecondSocketIsReplaced) {
  Result<UniqueFd> own = open_listening({"127.0.0.1", 0});
  ASSERT_TRUE(own);
  const Socket socket = *listening_address(own->get());
  Result<UniqueFd> other = open_listening(socket);
  ASSERT_TRUE(other);
  keeper_->want({socket}, now_ms_);
  FakeWorker first(path_);
  first.hello(11);
  first.say("have", {{"socket", wire_name({socket})}}, own->get());
  first.say("ready");
  turn({&first});
  FakeWorker second(path_);
  second.hello(12);
  second.say("have", {{"socket", wire_name({socket})}}, other->get());
  second.say("ready");
  turn({&first, &second});
  ASSERT_EQ(second.heard.size(), 2U);
  EXPECT_EQ(second.heard[0], "drop socket=" + wire_name({socket}));
  ASSERT_EQ(second.sockets.size(), 1U);
  EXPECT_TRUE(same_socket(second.sockets.begin()->second.get(), own->get()));
}

TEST_F(KeeperTest, APortOfAnotherProgramFailsAndOpensWhenItIsFree) {
  Result<UniqueFd> stranger = open_listening({"127.0.0.1", 0});
  ASSERT_TRUE(stranger);
  const Socket socket = *listening_address(stranger->get());
  const Socket free{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket, free}, now_ms_);
  turn({&worker});
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(free.text())) << "it hurts nobody else";
  now_ms_ += 3000;
  turn({&worker});
  EXPECT_EQ(keeper_->data_plane().failed_sockets[socket.text()],
            "address already in use: another program listens on it");
  EXPECT_THAT(keeper_->take_news(),
              Contains(socket.text() + ": address already in use: another program listens on it"));
  stranger->reset();
  now_ms_ += 1000;
  turn({&worker});
  EXPECT_THAT(keeper_->data_plane().failed_sockets, IsEmpty());
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
  EXPECT_THAT(keeper_->take_news(), Contains(socket.text() + ": open now"));
}

TEST_F(KeeperTest, AnAddressThatIsNotThereFailsAtOnceAndIsRetriedEverySecond) {
  const Socket socket{"192.0.2.1", 8080};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  EXPECT_EQ(keeper_->data_plane().failed_sockets[socket.text()],
            "this machine has no address 192.0.2.1");
  EXPECT_EQ(keeper_->timeout_ms(now_ms_), 1000);
}

TEST_F(KeeperTest, AWorkersFailureIsReportedAndItIsAskedAgain) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.answer_opened = false;
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  keeper_->announce(1, now_ms_);
  turn({&worker});
  worker.acknowledge(1);
  worker.say("failed", {{"socket", wire_name({socket})}, {"error", "no free connections"}});
  turn({&worker});
  EXPECT_EQ(keeper_->data_plane().failed_sockets[socket.text()],
            "nginx worker 11: no free connections");
  worker.answer_opened = true;
  now_ms_ += 1000;
  turn({&worker});
  EXPECT_THAT(keeper_->data_plane().failed_sockets, IsEmpty());
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(socket.text()));
}

TEST_F(KeeperTest, AStaticListenCountsAsServedAndIsNeverOpened) {
  const Socket exact{"127.0.0.1", free_port()};
  const Socket covered{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.hello(11, false);
  worker.say("static", {{"socket", wire_name({exact})}});
  worker.say("static", {{"socket", wire_name({{"0.0.0.0", covered.port}})}});
  worker.say("ready");
  turn({&worker});
  FakeWorker other(path_);
  other.greet(12, true);
  keeper_->want({exact, covered}, now_ms_);
  turn({&worker, &other});
  EXPECT_FALSE(can_connect(exact));
  EXPECT_FALSE(can_connect(covered));
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(exact.text()));
  EXPECT_THAT(keeper_->data_plane().open_sockets, Contains(covered.text()));
}

TEST_F(KeeperTest, ThePortsCloseWhenNoWorkerComesBackAndReopenForOne) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  turn({&worker});
  worker.sockets.clear();
  worker.leave();
  keeper_->poll(now_ms_);
  EXPECT_EQ(keeper_->timeout_ms(now_ms_), 10000);
  now_ms_ += 9999;
  keeper_->poll(now_ms_);
  EXPECT_TRUE(can_connect(socket)) << "connections wait for a respawned worker";
  now_ms_ += 1;
  EXPECT_TRUE(keeper_->poll(now_ms_));
  EXPECT_FALSE(can_connect(socket));
  EXPECT_EQ(keeper_->timeout_ms(now_ms_), -1);
  FakeWorker again(path_);
  again.greet(12);
  turn({&again});
  EXPECT_TRUE(can_connect(socket));
}

TEST_F(KeeperTest, AcknowledgedIsTheOldestOfAllLiveWorkers) {
  FakeWorker first(path_);
  FakeWorker second(path_);
  first.greet(11);
  second.greet(12);
  turn({&first, &second});
  keeper_->announce(7, now_ms_);
  turn({&first, &second});
  EXPECT_EQ(first.generation, 7U);
  EXPECT_EQ(second.generation, 7U);
  first.acknowledge(7);
  second.acknowledge(6);
  turn({&first, &second});
  EXPECT_EQ(keeper_->data_plane().acknowledged, 6U);
  second.leave();
  turn({&first});
  EXPECT_EQ(keeper_->data_plane().acknowledged, 7U) << "one that left is not waited for";
}

TEST_F(KeeperTest, ASilentWorkerIsLeftOutUntilItAnswersAgain) {
  FakeWorker first(path_);
  FakeWorker second(path_);
  first.greet(11);
  second.greet(12);
  turn({&first, &second});
  keeper_->announce(7, now_ms_);
  first.acknowledge(7);
  second.acknowledge(6);
  turn({&first, &second});
  EXPECT_EQ(keeper_->timeout_ms(now_ms_), 5000);
  now_ms_ += 5000;
  EXPECT_TRUE(keeper_->poll(now_ms_));
  EXPECT_EQ(keeper_->data_plane().acknowledged, 7U);
  EXPECT_TRUE(keeper_->workers()[1].left_out);
  EXPECT_THAT(keeper_->take_news(), Contains(HasSubstr("worker 12 has not acknowledged")));
  EXPECT_EQ(keeper_->timeout_ms(now_ms_), -1);
  second.acknowledge(7);
  turn({&first, &second});
  EXPECT_FALSE(keeper_->workers()[1].left_out);
  EXPECT_THAT(keeper_->take_news(), Contains("nginx worker 12 answers again"));
}

TEST_F(KeeperTest, AllWorkersMustBeWarm) {
  EXPECT_TRUE(keeper_->all_warm(3)) << "nobody has to be waited for";
  FakeWorker first(path_);
  FakeWorker second(path_);
  first.greet(11);
  second.greet(12);
  turn({&first, &second});
  EXPECT_FALSE(keeper_->all_warm(3));
  first.say("warm", {{"patterns", "3"}});
  turn({&first, &second});
  EXPECT_FALSE(keeper_->all_warm(3));
  second.say("warm", {{"patterns", "4"}});
  turn({&first, &second});
  EXPECT_TRUE(keeper_->all_warm(3));
}

TEST_F(KeeperTest, AWorkerWhoseQueueIsFullGetsEverythingOnceItReads) {
  const Socket socket{"127.0.0.1", free_port()};
  FakeWorker worker(path_);
  worker.greet(11);
  keeper_->want({socket}, now_ms_);
  keeper_->poll(now_ms_);
  std::uint64_t generation = 0;
  while (++generation < 100000)
    keeper_->announce(generation, now_ms_);
  keeper_->want({}, now_ms_);
  turn({&worker});
  turn({&worker});
  EXPECT_EQ(worker.generation, generation - 1);
  EXPECT_THAT(worker.sockets, IsEmpty());
  EXPECT_FALSE(can_connect(socket));
}

TEST_F(KeeperTest, UnknownWordsAreIgnored) {
  FakeWorker worker(path_);
  worker.say("news", {{"from", "the future"}});
  worker.hello(11);
  worker.say("opened", {{"socket", "tcp/127.0.0.1:1"}});
  worker.say("have", {{"socket", "quic/127.0.0.1:1"}});
  worker.say("ready", {{"more", "1"}});
  turn({&worker});
  ASSERT_EQ(keeper_->workers().size(), 1U);
  EXPECT_EQ(keeper_->workers()[0].pid, 11U);
  EXPECT_EQ(keeper_->workers()[0].module_version, "0.1.0");
}

}  // namespace
}  // namespace sluice::keeper
