// Requests over real TLS: streams, bounds, deadlines, connections.
#include "controller/kube/http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fstream>

#include "controller/kube/easy_request.h"
#include "test/unit/controller/kube/served_world.h"

namespace sluice::kube {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

class HttpTest : public ServedWorld {
 protected:
  HttpTest() : ServedWorld(GetParam()) {}

  void answer_all(const std::string& body) {
    server_.handle([this, body](const Exchange& exchange) {
      requests_.push_back(exchange);
      server_.answer(exchange.id, 200, body);
    });
  }
};

TEST_P(HttpTest, ARequestSaysWhoWeAreAndWhatWeTake) {
  open();
  answer_all(R"({"major":"1"})");
  const CallResult result = call(fetch_path("/version"));
  EXPECT_EQ(result.outcome, Outcome::kOk) << result.message;
  EXPECT_EQ(result.object["major"], "1");
  EXPECT_THAT(requests_[0].headers, Contains(Pair("authorization", "Bearer first")));
  EXPECT_THAT(requests_[0].headers, Contains(Pair("accept", "application/json")));
  EXPECT_THAT(requests_[0].headers, Contains(Pair("user-agent", "sluice-test")));
}

TEST_P(HttpTest, ABodyIsSentWithItsType) {
  open();
  answer_all("{}");
  Call patch = fetch_path("/apis/x");
  patch.request.method = "PATCH";
  patch.request.content_type = "application/merge-patch+json";
  patch.request.body = std::string(200'000, 'x');
  EXPECT_EQ(call(patch).outcome, Outcome::kOk);
  EXPECT_EQ(requests_[0].method, "PATCH");
  EXPECT_EQ(requests_[0].body.size(), 200'000U);
  EXPECT_THAT(requests_[0].headers, Contains(Pair("content-type", "application/merge-patch+json")));
  Call removal = fetch_path("/apis/y");
  removal.request.method = "DELETE";
  EXPECT_EQ(call(removal).outcome, Outcome::kOk);
  EXPECT_EQ(requests_[1].method, "DELETE");
}

TEST_P(HttpTest, BodiesAreBoundedInBothDirections) {
  open();
  answer_all(std::string(100'000, 'x'));
  Call small = fetch_path("/large");
  small.request.max_body_bytes = 99'999;
  const CallResult result = call(small);
  EXPECT_EQ(result.outcome, Outcome::kInvalid);
  EXPECT_EQ(result.message, "the answer has more than 99999 bytes");
  Call large = fetch_path("/x");
  large.request.method = "POST";
  large.request.body = std::string(Http::kMaxRequestBytes + 1, 'x');
  EXPECT_THAT(call(large).message, HasSubstr("the request has more than"));
  EXPECT_EQ(call(fetch_path("/x")).status, 200);
}

TEST_P(HttpTest, RetryAfterIsHeard) {
  open();
  server_.handle([this](const Exchange& exchange) {
    server_.answer(exchange.id, 429, "{}", {{"retry-after", "7"}});
  });
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.outcome, Outcome::kThrottled);
  EXPECT_EQ(result.retry_after_ms, 7000U);
}

TEST_P(HttpTest, ARedirectIsNotFollowed) {
  open();
  server_.handle([this](const Exchange& exchange) {
    requests_.push_back(exchange);
    server_.answer(exchange.id, 302, "", {{"location", server_.url() + "/elsewhere"}});
  });
  EXPECT_EQ(call(fetch_path("/x")).status, 302);
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_P(HttpTest, ARequestWithoutAnAnswerEndsAtItsDeadlineAndConnectionsAreMadeAnew) {
  open();
  client_->calls().submit(fetch_path("/x"), now_ms());
  ASSERT_TRUE(wait_for_requests(1));
  fall_silent();
  skip(30'000);
  std::vector<CallResult> results;
  ASSERT_TRUE(turn_until([&] {
    results = client_->calls().take_results();
    return !results.empty();
  }));
  EXPECT_EQ(results[0].outcome, Outcome::kNetwork);
  EXPECT_THAT(results[0].message, HasSubstr("no answer in 30 s"));
  answer_all("{}");
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kOk);
  EXPECT_EQ(requests_.back().connection, 2);
}

TEST_P(HttpTest, AWatchOnAConnectionThatWentSilentEndsWithTheRequestThatFoundOut) {
  open();
  Reflector& watch = client_->watch({.resource = {"v1", "services"}, .kind = "Service"});
  ASSERT_TRUE(wait_for_requests(1));
  server_.answer(requests_[0].id, 200, R"({"metadata":{"resourceVersion":"9"},"items":[]})");
  ASSERT_TRUE(wait_for_requests(2));
  server_.begin(requests_[1].id, 200);
  skip(Reflector::kSteadyMs);
  ASSERT_TRUE(turn_until([&] { return watch.state() == WatchState::kFollowing; }));
  client_->calls().submit(fetch_path("/x"), now_ms());
  ASSERT_TRUE(wait_for_requests(3));
  fall_silent();
  skip(31'000);
  ASSERT_TRUE(wait_for_requests(4)) << "the watch was not asked for again";
  EXPECT_THAT(requests_[3].path, HasSubstr("watch=true"));
  EXPECT_THAT(requests_[3].path, HasSubstr("resourceVersion=9"));
  if (GetParam() == ApiServer::Protocol::kHttp1) return;  // a connection for each anyway
  EXPECT_EQ(requests_[3].connection, 2);
}

TEST_P(HttpTest, ASlowRequestAmongOthersThatAreAnsweredEndsAlone) {
  open();
  client_->calls().submit(fetch_path("/slow"), now_ms());
  ASSERT_TRUE(wait_for_requests(1));
  skip(25'000);
  answer_all("{}");
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kOk);
  skip(5'000);
  std::vector<CallResult> results;
  ASSERT_TRUE(turn_until([&] {
    results = client_->calls().take_results();
    return !results.empty();
  }));
  EXPECT_EQ(results[0].outcome, Outcome::kNetwork);
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kOk);
  if (GetParam() == ApiServer::Protocol::kHttp1) return;  // a connection for each anyway
  EXPECT_EQ(server_.accepted(), 1);
}

TEST_P(HttpTest, ADroppedConnectionIsANetworkFailureAndTheNextRequestConnects) {
  open();
  client_->calls().submit(fetch_path("/x"), now_ms());
  ASSERT_TRUE(wait_for_requests(1));
  server_.drop_connections();
  std::vector<CallResult> results;
  ASSERT_TRUE(turn_until([&] {
    results = client_->calls().take_results();
    return !results.empty();
  }));
  EXPECT_EQ(results[0].outcome, Outcome::kNetwork);
  EXPECT_THAT(results[0].message, HasSubstr(server_.url()));
  answer_all("{}");
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kOk);
}

TEST_P(HttpTest, PeersThatAreGoneAreFoundOutByTheKernel) {
  open();
  answer_all("{}");
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kOk);
  int found = 0;
  for (int fd = 3; fd < 256; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != server_.port()) continue;
    ++found;
    int alive = 0;
    unsigned silence = 0;
    int idle = 0;
    socklen_t bytes = sizeof(int);
    ::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &bytes);
    ::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, &bytes);
    ::getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &bytes);
    EXPECT_NE(alive, 0);
    EXPECT_EQ(silence, EasyRequest::kSilenceMs);
    EXPECT_EQ(idle, EasyRequest::kKeepIdleSeconds);
  }
  EXPECT_EQ(found, 1);
}

INSTANTIATE_TEST_SUITE_P(Protocols, HttpTest,
                         ::testing::Values(ApiServer::Protocol::kHttp1,
                                           ApiServer::Protocol::kHttp2),
                         [](const auto& param) {
                           return param.param == ApiServer::Protocol::kHttp1 ? "Http1" : "Http2";
                         });

// Each retry of a server that was away was another problem: its text had the milliseconds in it.
TEST(RefusedConnectionTest, AServerThatIsAwayIsTheSameProblemEachTime) {
  TempDirectory directory;
  const std::string path = directory.path() + "/config";
  // The port of nobody: it is taken, and nobody listens.
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(taken);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::ofstream(path) << "current-context: c\n"
                         "contexts: [{name: c, context: {cluster: c}}]\n"
                         "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:"
                      << ntohs(address.sin_port) << "'}}]\n";
  auto client = Client::open({{path, ""}, "sluice-test", 1}, {});
  ASSERT_TRUE(client) << client.error().message;
  (*client)->calls().submit(fetch_path("/x"), 0);
  std::vector<CallResult> results;
  for (int i = 0; i < 100 && results.empty(); ++i) {
    (*client)->poll(0);
    results = (*client)->calls().take_results();
    pollfd waiting{(*client)->fd(), POLLIN, 0};
    if (results.empty()) ::poll(&waiting, 1, 100);
  }
  ASSERT_EQ(results.size(), 1U);
  EXPECT_THAT(results[0].message, HasSubstr("https://127.0.0.1:"));
  EXPECT_THAT(results[0].message, ::testing::Not(HasSubstr(" ms")));
}

class Http2Test : public ServedWorld {};

TEST_F(Http2Test, RequestsShareAConnectionAndAtMost80OfThem) {
  open();
  for (int i = 0; i < 200; ++i)
    client_->calls().submit(fetch_path("/x" + std::to_string(i)), now_ms());
  ASSERT_TRUE(wait_for_requests(200)) << requests_.size();
  EXPECT_LE(server_.most_streams(), 80U);
  EXPECT_EQ(server_.accepted(), 3);
  for (const Exchange& each : requests_)
    server_.answer(each.id, 200, "{}");
  std::size_t answered = 0;
  EXPECT_TRUE(turn_until([&] {
    answered += client_->calls().take_results().size();
    return answered == 200;
  }));
}

// Beside open watches a list got no answer before its deadline, about once in fourteen runs.
TEST_F(Http2Test, AnswersOfAllSizesComeWholeBesideOpenWatches) {
  open();
  std::size_t watches = 0;
  std::string body;
  server_.handle([&](const Exchange& exchange) {
    if (exchange.path.starts_with("/x")) return server_.answer(exchange.id, 200, body);
    if (exchange.path.find("watch=true") == std::string::npos) {
      return server_.answer(exchange.id, 200, R"({"metadata":{"resourceVersion":"9"},"items":[]})");
    }
    ++watches;
    server_.begin(exchange.id, 200);
  });
  for (int i = 0; i < 8; ++i)
    client_->watch({.resource = {"v1", "things" + std::to_string(i)}, .kind = "Thing"});
  ASSERT_TRUE(turn_until([&] { return watches == 8; }));
  std::vector<std::size_t> sizes = {1'000'000, 3'000'000};
  for (std::size_t bytes = 16'000; bytes < 66'000; bytes += 2'000)
    sizes.push_back(bytes);
  for (const std::size_t bytes : sizes) {
    body = '"' + std::string(bytes, 'x') + '"';
    constexpr std::size_t kLists = 4;
    for (std::size_t i = 0; i < kLists; ++i)
      client_->calls().submit(fetch_path("/x" + std::to_string(i)), now_ms());
    std::size_t whole = 0;
    const auto all_answered = [&] {
      for (const CallResult& result : client_->calls().take_results())
        whole += result.object.is_string() && result.object.get<std::string>().size() == bytes;
      return whole == kLists;
    };
    ASSERT_TRUE(turn_until(all_answered, 5)) << whole << " of lists with " << bytes << " bytes";
  }
}

}  // namespace
}  // namespace sluice::kube
