// Reflectors over real TLS: what only a real stream shows. And how still they are.
#include <sys/resource.h>

#include "test/unit/controller/kube/served_world.h"
#include "test/unit/controller/kube/watched_world.h"

namespace sluice::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WatchTlsTest : public ServedWorld {
 protected:
  // Answers lists with `list_`, opens watches and leaves them open.
  void serve() {
    server_.handle([this](const Exchange& exchange) {
      requests_.push_back(exchange);
      if (exchange.path.find("watch=true") == std::string::npos) {
        server_.answer(exchange.id, 200, list_);
      } else {
        server_.begin(exchange.id, 200);
        ++watches_;
      }
    });
  }

  Reflector& watch(const std::string& plural) {
    return client_->watch({.resource = {"v1", plural}, .kind = "Thing"});
  }

  std::vector<std::string> take(Reflector& reflector) {
    for (const WatchEvent& event : reflector.take_events())
      taken_.push_back((event.kind == EventKind::kPut ? "put " : "delete ") + event.object.name);
    return taken_;
  }

  std::string list_ = list_json({object_json("a", 5)}, 9);
  std::size_t watches_ = 0;
  std::vector<std::string> taken_;
};

TEST_F(WatchTlsTest, AListAndAnEventCutAtEveryByteArrive) {
  open();
  serve();
  Reflector& services = watch("services");
  ASSERT_TRUE(turn_until([&] { return watches_ == 1; }));
  for (const char byte : event_json("ADDED", object_json("b", 10)))
    server_.send(requests_.back().id, std::string(1, byte));
  ASSERT_TRUE(turn_until([&] { return take(services).size() == 2; }));
  EXPECT_THAT(taken_, ElementsAre("put a", "put b"));
}

TEST_F(WatchTlsTest, ADroppedConnectionLosesNothing) {
  open();
  serve();
  Reflector& services = watch("services");
  ASSERT_TRUE(turn_until([&] { return watches_ == 1; }));
  const std::string line = event_json("ADDED", object_json("b", 10));
  server_.send(requests_.back().id, bookmark_json(12) + line.substr(0, 20));
  for (int i = 0; i < 5; ++i)
    turn();
  server_.drop_connections();
  ASSERT_TRUE(turn_until([&] { return watches_ == 2; }));
  EXPECT_THAT(requests_.back().path, HasSubstr("resourceVersion=12"));
  server_.send(requests_.back().id, event_json("ADDED", object_json("c", 13)));
  ASSERT_TRUE(turn_until([&] { return take(services).size() == 2; }));
  EXPECT_THAT(taken_, ElementsAre("put a", "put c"));
  EXPECT_TRUE(services.synced());
}

TEST_F(WatchTlsTest, AStalledWatchEndsAtItsDeadline) {
  open();
  serve();
  watch("services");
  ASSERT_TRUE(turn_until([&] { return watches_ == 1; }));
  fall_silent();
  skip(Reflector::kLongestWatchMs + Reflector::kGraceMs);
  EXPECT_TRUE(turn_until([&] { return watches_ == 2; }));
}

TEST_F(WatchTlsTest, AnObjectOfMegabytesArrivesBesideOtherWatches) {
  open();
  serve();
  Reflector& services = watch("services");
  ASSERT_TRUE(turn_until([&] { return watches_ == 1; }));
  const std::uint64_t first = requests_.back().id;
  Reflector& secrets = watch("secrets");
  ASSERT_TRUE(turn_until([&] { return watches_ == 2; }));
  nlohmann::json large = object_json("large", 10);
  large["data"] = std::string(3'000'000, 'x');
  server_.send(first, event_json("ADDED", large));
  server_.send(requests_.back().id, event_json("ADDED", object_json("small", 10)));
  ASSERT_TRUE(turn_until([&] { return take(services).size() == 2; }));
  EXPECT_THAT(taken_, ElementsAre("put a", "put large"));
  taken_.clear();
  ASSERT_TRUE(turn_until([&] { return take(secrets).size() == 2; }));
  EXPECT_EQ(server_.accepted(), 1);
}

TEST_F(WatchTlsTest, AResourceThatIsForbiddenStopsNoOther) {
  open();
  server_.handle([this](const Exchange& exchange) {
    if (exchange.path.starts_with("/api/v1/secrets")) {
      server_.answer(exchange.id, 403, status_json(403, "Forbidden").dump());
    } else if (exchange.path.find("watch=true") == std::string::npos) {
      server_.answer(exchange.id, 200, list_);
    }
  });
  Reflector& secrets = watch("secrets");
  Reflector& services = watch("services");
  EXPECT_FALSE(client_->settled());
  ASSERT_TRUE(turn_until([&] { return client_->settled(); }));
  EXPECT_EQ(secrets.state(), WatchState::kForbidden);
  EXPECT_TRUE(services.synced());
}

TEST_F(WatchTlsTest, AServerThatIsAwayAtTheStartIsWaitedFor) {
  open();
  server_.drop_connections();
  Reflector& services = watch("services");
  const TestCertificate good = certificate_;
  server_.use_certificate(make_certificate("somebody"));
  ASSERT_TRUE(turn_until([&] { return services.state() == WatchState::kFailing; }));
  EXPECT_FALSE(client_->settled());
  server_.use_certificate(good);
  serve();
  EXPECT_TRUE(turn_until([&] { return client_->settled(); }));
}

TEST_F(WatchTlsTest, AReflectorThatIsLetGoLeavesTheOthers) {
  open();
  serve();
  Reflector& services = watch("services");
  Reflector& secrets = watch("secrets");
  ASSERT_TRUE(turn_until([&] { return watches_ == 2; }));
  client_->unwatch(services);
  const auto of_secrets = std::find_if(requests_.begin(), requests_.end(), [](const auto& each) {
    return each.path.starts_with("/api/v1/secrets") &&
           each.path.find("watch=true") != std::string::npos;
  });
  server_.send(of_secrets->id, event_json("ADDED", object_json("b", 10)));
  EXPECT_TRUE(turn_until([&] { return take(secrets).size() == 2; }));
}

// libcurl's timer goes off once: a loop that calls it again and again gets all data, and burns a
// core.
TEST_F(WatchTlsTest, TenOpenWatchesLetTheLoopSleep) {
  open();
  serve();
  for (int i = 0; i < 10; ++i)
    watch("things" + std::to_string(i));
  ASSERT_TRUE(turn_until([&] { return watches_ == 10; }));
  turn_until([] { return false; }, 1);
  const auto cpu_us = [] {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000L + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
  };
  const long before_us = cpu_us();
  int polls = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until) {
    pollfd waiting{client_->fd(), POLLIN, 0};
    const int timeout = client_->timeout_ms(now_ms());
    const int left = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                          until - std::chrono::steady_clock::now())
                                          .count());
    const int wait = timeout < 0 ? left : std::min(timeout, left);
    if (::poll(&waiting, 1, wait) == 0 && wait == left) break;
    client_->poll(now_ms());
    ++polls;
  }
  EXPECT_LT(polls, 15);
  EXPECT_LT(cpu_us() - before_us, 30'000);
}

}  // namespace
}  // namespace sluice::kube
