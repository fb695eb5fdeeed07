// With a server of its own; the loop is the test.
#include "controller/dns/follower.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>

#include "test/harness/temp_directory.h"
#include "test/unit/controller/dns/fake_server.h"

namespace sluice::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const model::ObjectName kBackend{"default", "api"};
const std::string kHost = "api.example.com";

std::uint64_t now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

class FollowerTest : public ::testing::Test {
 protected:
  void open(const Options& options) {
    auto opened = Follower::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    follower_ = std::move(*opened);
  }

  void open() { open({server_.address(), ""}); }

  void follow(std::vector<std::string> hostnames) {
    model::Backend backend;
    for (std::string& each : hostnames) {
      model::BackendEndpoint endpoint;
      endpoint.hostname = std::move(each);
      endpoint.port = 80;
      backend.endpoints.push_back(endpoint);
    }
    follower_->follow(kBackend, &backend, now_ms());
  }

  // As the controller does it, until `done`, at most `seconds`.
  bool turn_until(const std::function<bool()>& done, std::uint64_t seconds = 20) {
    const std::uint64_t deadline = now_ms() + seconds * 1000;
    while (now_ms() < deadline) {
      follower_->poll(now_ms());
      for (model::HostAnswer& each : follower_->take_changes())
        known_[each.hostname] = std::move(each.addresses);
      if (done()) return true;
      pollfd waiting{follower_->fd(), POLLIN, 0};
      const int timeout = follower_->timeout_ms(now_ms());
      ::poll(&waiting, 1, timeout < 0 ? 100 : std::min(timeout, 100));
      ++turns_;
    }
    return false;
  }

  bool becomes(const std::vector<std::string>& addresses) {
    return turn_until([&] { return known_[kHost] == addresses; });
  }

  bool has_trouble(const std::string& text) {
    return turn_until([&] {
      const auto troubles = follower_->book().troubles();
      return !troubles.empty() && troubles.front().text.find(text) != std::string::npos;
    });
  }

  FakeServer server_;
  std::unique_ptr<Follower> follower_;
  std::map<std::string, std::vector<std::string>> known_;
  int turns_ = 0;
};

TEST_F(FollowerTest, ANameIsResolvedToAllItsAddresses) {
  server_.put(kHost, {.ipv4 = {"10.0.0.2", "10.0.0.1"}, .ipv6 = {"2001:db8::1"}});
  open();
  follow({kHost});
  EXPECT_TRUE(becomes({"10.0.0.1", "10.0.0.2", "2001:db8::1"}));
}

TEST_F(FollowerTest, AChangedAnswerIsFollowedWhenItsTtlEnds) {
  server_.put(kHost, {.ipv4 = {"10.0.0.1"}, .ttl = 1});
  open();
  follow({kHost});
  ASSERT_TRUE(becomes({"10.0.0.1"}));
  server_.put(kHost, {.ipv4 = {"10.0.0.2"}, .ttl = 1});
  EXPECT_TRUE(becomes({"10.0.0.2"}));
}

TEST_F(FollowerTest, AServerThatFailsKeepsTheLastAddresses) {
  server_.put(kHost, {.ipv4 = {"10.0.0.1"}, .ttl = 1});
  open();
  follow({kHost});
  ASSERT_TRUE(becomes({"10.0.0.1"}));
  server_.put(kHost, {.code = 2});
  EXPECT_TRUE(has_trouble("the last addresses stay: 10.0.0.1"));
  EXPECT_THAT(known_[kHost], ElementsAre("10.0.0.1"));
}

TEST_F(FollowerTest, AServerThatIsSilentKeepsTheLastAddresses) {
  server_.put(kHost, {.ipv4 = {"10.0.0.1"}, .ttl = 1});
  open();
  follow({kHost});
  ASSERT_TRUE(becomes({"10.0.0.1"}));
  server_.put(kHost, {.silent = true});
  EXPECT_TRUE(has_trouble("the last addresses stay: 10.0.0.1"));
  server_.put(kHost, {.ipv4 = {"10.0.0.3"}, .ttl = 1});
  EXPECT_TRUE(becomes({"10.0.0.3"}));
  EXPECT_TRUE(turn_until([&] { return follower_->book().troubles().empty(); }));
}

TEST_F(FollowerTest, ANameThatDoesNotExistIsATroubleAndNoHotLoop) {
  open();
  follow({kHost});
  EXPECT_TRUE(has_trouble("has no addresses"));
  EXPECT_THAT(known_[kHost], IsEmpty());
  turns_ = 0;
  turn_until([] { return false; }, 1);
  EXPECT_LT(turns_, 40);
}

TEST_F(FollowerTest, NobodyListeningIsATrouble) {
  std::string address;
  {
    address = FakeServer().address();
  }
  open({address, ""});
  follow({kHost});
  EXPECT_TRUE(has_trouble("cannot be resolved"));
}

TEST_F(FollowerTest, ThousandNamesAreAskedForAFewAtATime) {
  open();
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.push_back("n" + std::to_string(i) + ".example.com");
    server_.put(names.back(), {.ipv4 = {"10.0.0.1"}, .ttl = 300});
  }
  follow(names);
  EXPECT_TRUE(turn_until([&] {
    return std::ranges::count_if(known_, [](const auto& each) { return !each.second.empty(); }) ==
           1000;
  }));
}

TEST_F(FollowerTest, AddressesThatNothingCanBeConnectedToAreLeftOut) {
  server_.put(kHost, {.ipv4 = {"0.0.0.0", "224.0.0.1", "10.0.0.1"}, .ipv6 = {"::", "fe80::1"}});
  open();
  follow({kHost});
  EXPECT_TRUE(becomes({"10.0.0.1"}));
}

TEST_F(FollowerTest, TheNextProcessHasTheLastAnswersWhileNoServerAnswers) {
  const TempDirectory directory;
  server_.put(kHost, {.ipv4 = {"10.0.0.1"}, .ttl = 300});
  open({server_.address(), directory.path()});
  follow({kHost});
  ASSERT_TRUE(becomes({"10.0.0.1"}));
  follower_->poll(now_ms());
  server_.put(kHost, {.silent = true});
  known_.clear();
  open({server_.address(), directory.path()});
  follow({kHost});
  EXPECT_TRUE(becomes({"10.0.0.1"}));
}

}  // namespace
}  // namespace sluice::dns
