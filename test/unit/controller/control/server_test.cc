#include "controller/control/server.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>
#include <sys/stat.h>

#include <future>

#include "test/harness/temp_directory.h"

namespace sluice::control {
namespace {

constexpr int kPatienceMs = 10000;

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    server_.reset();
    Result<std::unique_ptr<Server>> server = Server::open(path_, static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  std::future<std::pair<int, std::string>> ask(const std::string& method,
                                               const std::string& target) {
    return std::async(std::launch::async, [method, target, path = path_] {
      httplib::Client client(path);
      client.set_address_family(AF_UNIX);
      const httplib::Result result =
          method == "GET" ? client.Get(target.c_str()) : client.Post(target.c_str());
      return result ? std::pair(result->status, result->body) : std::pair(0, std::string());
    });
  }

  // The next call, as the event loop sees it.
  Call next() {
    pollfd waiting{server_->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, kPatienceMs), 1);
    std::vector<Call> calls = server_->take();
    EXPECT_EQ(calls.size(), 1U);
    return std::move(calls.front());
  }

  TempDirectory directory_;
  std::string path_ = directory_.path() + "/control.sock";
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ARequestIsAnsweredByWhoeverTakesIt) {
  auto reply = ask("GET", "/v1/objects?kind=Gateway&name=a%20b");
  Call call = next();
  EXPECT_EQ(call.request().method, "GET");
  EXPECT_EQ(call.request().path, "/v1/objects");
  EXPECT_EQ(call.request().parameter("kind"), "Gateway");
  EXPECT_EQ(call.request().parameter("name"), "a b");
  EXPECT_EQ(call.request().parameter("other"), "");
  call.answer({404, R"({"error":"none"})"});
  EXPECT_EQ(reply.get(), std::pair(404, std::string("{\"error\":\"none\"}\n")));
}

TEST_F(ServerTest, APostHasItsParameters) {
  auto reply = ask("POST", "/v1/wait?timeout_ms=5");
  Call call = next();
  EXPECT_EQ(call.request().method, "POST");
  EXPECT_EQ(call.request().parameter("timeout_ms"), "5");
  call.answer({});
  EXPECT_EQ(reply.get().first, 200);
}

TEST_F(ServerTest, ADroppedCallAndAStoppedServerAnswer503) {
  auto dropped = ask("GET", "/one");
  {
    const Call call = next();
  }
  EXPECT_EQ(dropped.get().first, 503);
  auto waiting = ask("GET", "/two");
  pollfd readable{server_->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, kPatienceMs), 1);
  server_.reset();
  EXPECT_EQ(waiting.get().first, 503);
}

TEST_F(ServerTest, TheSocketIsForTheGroupOnlyAndReplacesALeftover) {
  open();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  server_.reset();
  EXPECT_NE(::stat(path_.c_str(), &status), 0);
}

}  // namespace
}  // namespace sluice::control
