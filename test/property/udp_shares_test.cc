// Whatever workers and the keeper do, a datagram is read once, and a client's by one share: random
// sequences of workers that come, hang, end and are followed by others, of clients old and new, and
// of keepers that are killed, against what a client expects. SLUICE_UDP_SEQUENCES sets how many.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/keeper/keeper.h"
#include "test/harness/temp_directory.h"
#include "test/oracle/random_world.h"
#include "test/unit/controller/keeper/fake_worker.h"

namespace sluice::keeper {
namespace {

using resolve::Socket;

constexpr std::uint64_t kCiSequences = 100;
constexpr int kSteps = 60;
constexpr int kMostTurns = 20;           // until everybody has what it is to have
constexpr std::size_t kMostWorkers = 4;  // two generations of an nginx

// A client, and where its datagrams were read.
struct Client {
  UniqueFd fd;
  std::string share;  // "": nowhere yet
};

class World {
 public:
  explicit World(std::uint64_t number) : random_(number) {
    restart_keeper();
    start_worker();
    settle();
  }

  void step() {
    switch (random_.below(8)) {
      case 0:
        return start_worker();
      case 1:
        return end_worker();
      case 2:
        return restart_keeper();
      case 3:
      case 4:
        return send_datagrams();
      case 5:  // some workers are busy
        keeper_->poll(now_ms_);
        for (FakeWorker& worker : workers_) {
          if (random_.percent(50)) worker.read();
        }
        return;
      case 6:  // one reads what it has
        if (!workers_.empty()) read_datagrams(any_worker());
        return;
      default:
        return settle();
    }
  }

  // Everybody hears everything. What must be true then is looked at.
  void settle() {
    if (workers_.empty()) start_worker();
    for (int i = 0; i < 2; ++i)  // it accepts, and hears
      keeper_->poll(now_ms_);
    now_ms_ += kStartMs;
    std::size_t heard = 0;
    for (int quiet = 0, turns = 0; quiet < 3; ++turns) {
      ASSERT_LT(turns, kMostTurns) << "the keeper never rests";
      keeper_->poll(now_ms_);
      std::size_t now_heard = 0;
      for (FakeWorker& worker : workers_) {
        worker.read();
        now_heard += worker.heard.size();
      }
      quiet = now_heard == heard ? quiet + 1 : 0;
      heard = now_heard;
    }
    check_workers();
    check_shares();
    for (FakeWorker& worker : workers_)
      read_datagrams(worker);
    EXPECT_EQ(read_, sent_);
  }

 private:
  static constexpr std::uint64_t kStartMs = 2000;  // then missing workers are waited for no more

  FakeWorker& any_worker() {
    auto worker = workers_.begin();
    std::advance(worker, random_.below(static_cast<std::uint32_t>(workers_.size())));
    return *worker;
  }

  void start_worker() {
    if (workers_.size() < kMostWorkers) workers_.emplace_back(path_).greet(++pids_);
  }

  void end_worker() {
    if (workers_.empty()) return;
    FakeWorker& ended = any_worker();
    ended.sockets.clear();
    ended.leave();
    workers_.remove_if([&](const FakeWorker& worker) { return &worker == &ended; });
  }

  // The next one knows nothing; workers connect again and bring what they read. Without workers it
  // would find nothing, as after a reboot.
  void restart_keeper() {
    if (keeper_ != nullptr && workers_.empty()) return;
    if (keeper_ != nullptr) settle();
    keeper_.reset();
    auto keeper = Keeper::open(path_, static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(keeper) << keeper.error().message;
    keeper_ = std::move(*keeper);
    keeper_->want({socket_}, now_ms_);
    for (FakeWorker& worker : workers_) {
      FakeWorker again(path_);
      again.hello(++pids_);
      for (const auto& [name, fd] : worker.sockets)
        again.say("have", {{"socket", name}}, fd.get());
      again.say("ready");
      again.sockets = std::move(worker.sockets);
      worker = std::move(again);
    }
  }

  void send_datagrams() {
    for (std::uint32_t i = 1 + random_.below(20); i > 0; --i) {
      if (clients_.empty() || random_.percent(60)) add_client();
      const std::uint32_t id = random_.below(static_cast<std::uint32_t>(clients_.size()));
      ASSERT_EQ(::send(clients_[id].fd.get(), &id, sizeof id, 0), sizeof id);
      ++sent_;
    }
  }

  void add_client() {
    UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(socket_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    clients_.push_back({std::move(fd), ""});
  }

  void read_datagrams(FakeWorker& worker) {
    for (const auto& [name, fd] : worker.sockets) {
      std::uint32_t id = 0;
      while (::recv(fd.get(), &id, sizeof id, MSG_DONTWAIT) == sizeof id) {
        ++read_;
        Client& client = clients_.at(id);
        if (client.share.empty()) client.share = name;
        EXPECT_EQ(client.share, name) << "the session of client " << id;
      }
    }
  }

  // The newest of an nginx have everything, each something; they come last.
  void check_workers() {
    std::size_t old =
        workers_.size() - std::min<std::size_t>(workers_.size(), FakeWorker::kWorkers);
    for (const FakeWorker& worker : workers_) {
      EXPECT_EQ(worker.sockets.empty(), old > 0) << old << " old workers are left";
      if (old > 0) --old;
    }
  }

  void check_shares() {
    std::map<std::string, int> readers;
    for (const FakeWorker& worker : workers_) {
      for (const auto& [name, fd] : worker.sockets)
        ++readers[name];
    }
    EXPECT_EQ(readers.size(), std::size_t{FakeWorker::kWorkers});
    for (const auto& [name, count] : readers)
      EXPECT_EQ(count, 1) << name;
    EXPECT_EQ(listening_sockets(resolve::Transport::kUdp)[socket_],
              std::size_t{FakeWorker::kWorkers})
        << "the kernel sends nobody elsewhere";
    EXPECT_TRUE(keeper_->data_plane().open_sockets.contains(socket_.text()));
  }

  oracle::Random random_;
  TempDirectory directory_;
  const std::string path_ = directory_.path() + "/keeper.sock";
  const Socket socket_ = free_socket(resolve::Transport::kUdp);
  std::unique_ptr<Keeper> keeper_;
  std::list<FakeWorker> workers_;
  std::vector<Client> clients_;
  int pids_ = 0;
  std::uint64_t now_ms_ = 1'000'000;  // only settling takes time: nobody is silent for too long
  std::uint64_t sent_ = 0;
  std::uint64_t read_ = 0;
};

TEST(UdpSharesTest, EveryDatagramIsReadOnceAndAClientsByOneShare) {
  const char* text = std::getenv("SLUICE_UDP_SEQUENCES");
  const std::uint64_t sequences = text == nullptr ? kCiSequences : std::strtoull(text, nullptr, 10);
  std::printf("SLUICE_UDP_SEQUENCES=%llu\n", static_cast<unsigned long long>(sequences));
  for (std::uint64_t number = 0; number < sequences; ++number) {
    SCOPED_TRACE("sequence " + std::to_string(number));
    World world(number);
    for (int step = 0; step < kSteps && !HasFailure(); ++step) {
      world.step();
    }
    world.settle();
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace sluice::keeper
