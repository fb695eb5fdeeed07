// A client and its server over TLS in one thread, turned until something is so. Time is real, and
// can be moved on by skip().
#pragma once

#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/kube/client.h"
#include "test/harness/api_server.h"
#include "test/harness/certificates.h"
#include "test/harness/temp_directory.h"

namespace sluice::kube {

class ServedWorld : public ::testing::TestWithParam<ApiServer::Protocol> {
 protected:
  using Exchange = ApiServer::Exchange;

  explicit ServedWorld(ApiServer::Protocol protocol = ApiServer::Protocol::kHttp2)
      : server_(certificate_, protocol) {
    write("ca.crt", certificate_.certificate);
    write("token", "first");
    server_.handle([this](const Exchange& exchange) { requests_.push_back(exchange); });
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }

  void open(const std::string& user = "tokenFile: token", const std::string& cluster = "") {
    const std::string path =
        write("config",
              "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
              "clusters: [{name: c, cluster: {server: '" +
                  server_.url() + "', certificate-authority: ca.crt" + cluster + "}}]\n" +
                  "users: [{name: u, user: {" + user + "}}]\n");
    auto opened = Client::open({{path, ""}, "sluice-test", 1}, {});
    ASSERT_TRUE(opened) << opened.error().message;
    client_ = std::move(*opened);
  }

  std::uint64_t now_ms() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return skipped_ms_ + static_cast<std::uint64_t>(
                             std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }

  void skip(std::uint64_t ms) { skipped_ms_ += ms; }

  // What the server has sent is heard, before it falls silent for good.
  void fall_silent() {
    pollfd waiting{client_->fd(), POLLIN, 0};
    do {
      turn();
    } while (::poll(&waiting, 1, 100) > 0);
    server_.go_silent();
  }

  // One turn of the loop: waits as the controller does, at most 50 ms.
  void turn() {
    const std::uint64_t now = now_ms();
    client_->poll(now);
    ++polls_;
    server_.step();
    pollfd waiting[] = {{client_->fd(), POLLIN, 0}, {server_.fd(), POLLIN, 0}};
    const int timeout = client_->timeout_ms(now);
    ::poll(waiting, 2, timeout < 0 ? 50 : std::min(timeout, 50));
  }

  bool turn_until(const std::function<bool()>& done, std::uint64_t seconds = 20) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      turn();
    }
    return true;
  }

  bool wait_for_requests(std::size_t count) {
    return turn_until([&] { return requests_.size() >= count; });
  }

  CallResult call(Call call) {
    client_->calls().submit(std::move(call), now_ms());
    std::vector<CallResult> results;
    turn_until([&] {
      results = client_->calls().take_results();
      return !results.empty();
    });
    return results.empty() ? CallResult() : results.front();
  }

  TempDirectory directory_;
  TestCertificate certificate_ = make_certificate("localhost");
  ApiServer server_;
  std::unique_ptr<Client> client_;
  std::vector<Exchange> requests_;
  std::uint64_t skipped_ms_ = 0;
  std::uint64_t polls_ = 0;
};

}  // namespace sluice::kube
