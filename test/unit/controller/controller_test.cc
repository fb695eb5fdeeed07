// The loop with real files, a real table and no nginx: what it serves is read as a worker reads it.
#include "controller/controller.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "shared/arena/read_mapping.h"
#include "shared/table/dump.h"
#include "test/harness/temp_directory.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

const std::string kGateway = R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: sluice
  listeners: [{name: http, protocol: HTTP, port: 80}]
)";

std::string route_to(const std::string& path) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop}\n"
         "spec:\n  parentRefs: [{name: web}]\n  rules:\n  - matches: [{path: {value: " +
         path + "}}]\n";
}

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() {
    // The loop's signals stay blocked in this thread; what comes after this test must not.
    ::sigemptyset(&signals_before_);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &signals_before_);
    std::filesystem::create_directories(base.path() + "/m");
    options.directory = base.path() + "/m";
    options.state_directory = base.path() + "/state";
    options.table_directory = base.path() + "/table";
    options.resolve.addresses = {"127.0.0.1"};
  }

  ~ControllerTest() override {
    if (loop_.joinable()) stop();
    ::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
  }

  void start() {
    auto opened = Controller::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    controller_ = std::move(*opened);
    loop_ = std::thread([this] { ended = controller_->run(); });
  }

  // As a service manager does it.
  void stop() {
    ::kill(::getpid(), SIGTERM);
    loop_.join();
    controller_.reset();
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(options.directory + "/" + name) << text;
  }

  std::string table() const {
    const auto mapping = arena::ReadMapping::open(options.table_directory);
    return mapping ? table::dump(table::Reader((*mapping)->enter())) : mapping.error().message;
  }

  // Reads the table until it has (or has not) `text`, at most 10 s.
  ::testing::AssertionResult table_has(const std::string& text, bool wanted = true) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::string last;
    while (std::chrono::steady_clock::now() < deadline) {
      last = table();
      if ((last.find(text) != std::string::npos) == wanted) return ::testing::AssertionSuccess();
      ::poll(nullptr, 0, 5);
    }
    return ::testing::AssertionFailure() << "within 10 s; the table:\n" << last;
  }

  TempDirectory base;
  ControllerOptions options;
  std::optional<Result<void>> ended;

 private:
  sigset_t signals_before_{};
  std::unique_ptr<Controller> controller_;
  std::thread loop_;
};

TEST_F(ControllerTest, PublishesWhatIsThereAndEveryChangeOfIt) {
  write("gateway.yaml", kGateway);
  write("route.yaml", route_to("/first"));
  start();
  EXPECT_TRUE(table_has("prefix /first"));
  write("route.yaml", route_to("/second"));
  EXPECT_TRUE(table_has("prefix /second"));
  EXPECT_THAT(table(), Not(HasSubstr("/first")));
}

// Nothing happens 100 ms after a file went away: only the loop's own timer can withdraw its object.
TEST_F(ControllerTest, WakesUpWithoutAnEventToWithdrawADeletedObject) {
  write("gateway.yaml", kGateway);
  write("route.yaml", route_to("/first"));
  start();
  EXPECT_TRUE(table_has("prefix /first"));
  std::filesystem::remove(options.directory + "/route.yaml");
  EXPECT_TRUE(table_has("prefix /first", false));
  EXPECT_THAT(table(), HasSubstr("listener default/web/http"));
}

TEST_F(ControllerTest, EndsOnSigtermAndLeavesTheTableToTheWorkers) {
  write("gateway.yaml", kGateway);
  write("route.yaml", route_to("/first"));
  start();
  EXPECT_TRUE(table_has("prefix /first"));
  stop();
  EXPECT_TRUE(ended.has_value() && ended->has_value());
  EXPECT_THAT(table(), HasSubstr("prefix /first"));
  // The next one takes over the same directories.
  write("route.yaml", route_to("/second"));
  start();
  EXPECT_TRUE(table_has("prefix /second"));
}

TEST_F(ControllerTest, ASecondControllerIsKeptAwayFromTheTable) {
  start();
  ControllerOptions second = options;
  second.state_directory = base.path() + "/other";
  const auto opened = Controller::open(second);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message, "");
}

TEST_F(ControllerTest, ADirectoryThatIsNotThereIsNamed) {
  options.directory += "/missing";
  const auto opened = Controller::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("/missing"));
}

}  // namespace
}  // namespace sluice
