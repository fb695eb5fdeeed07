// Who we are for the server, and who it is for us.
#include "test/unit/controller/kube/served_world.h"

namespace sluice::kube {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

class HttpCredentialsTest : public ServedWorld {
 protected:
  // Takes the token alone.
  void want_token(const std::string& token) {
    server_.handle([this, token](const Exchange& exchange) {
      requests_.push_back(exchange);
      const bool good = exchange.headers.at("authorization") == "Bearer " + token;
      server_.answer(exchange.id, good ? 200 : 401, "{}");
    });
  }
};

TEST_F(HttpCredentialsTest, ATokenThatWasReplacedIsUsedAtOnceAfterARefusal) {
  open();
  want_token("first");
  EXPECT_EQ(call(fetch_path("/x")).status, 200);
  want_token("second");
  write("token", "second");
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.status, 200) << result.message;
  EXPECT_EQ(requests_.size(), 3U);
}

TEST_F(HttpCredentialsTest, ARefusalThatStaysIsTold) {
  open();
  want_token("never");
  EXPECT_EQ(call(fetch_path("/x")).outcome, Outcome::kForbidden);
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(HttpCredentialsTest, AWatchThatIsRefusedGoesOnWithTheNewToken) {
  open();
  write("token", "second");
  want_token("second");
  Reflector& watch = client_->watch({.resource = {"v1", "services"}, .kind = "Service"});
  ASSERT_TRUE(turn_until([&] { return requests_.size() >= 2; }));
  EXPECT_THAT(requests_[1].headers, Contains(Pair("authorization", "Bearer second")));
  EXPECT_THAT(watch.problem(), ::testing::Not(HasSubstr("401")));
}

TEST_F(HttpCredentialsTest, AServerOfAnotherAuthorityIsNotTalkedTo) {
  open();
  server_.use_certificate(make_certificate("localhost"));
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.outcome, Outcome::kNetwork);
  EXPECT_THAT(result.message, HasSubstr("certificate"));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HttpCredentialsTest, AServerOfAnotherNameIsNotTalkedTo) {
  const TestCertificate other = make_certificate("elsewhere");
  write("ca.crt", other.certificate);
  open();
  server_.use_certificate(other);
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.outcome, Outcome::kNetwork);
  EXPECT_THAT(result.message, HasSubstr("no alternative certificate subject name matches"));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HttpCredentialsTest, TlsServerNameIsTheNameThatIsVerified) {
  const TestCertificate other = make_certificate("kubernetes.default");
  write("ca.crt", other.certificate);
  open("tokenFile: token", ", tls-server-name: kubernetes.default");
  server_.use_certificate(other);
  want_token("first");
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.status, 200) << result.message;
  EXPECT_EQ(requests_[0].headers.at(":authority"), "localhost:" + std::to_string(server_.port()));
}

TEST_F(HttpCredentialsTest, AnAuthorityThatWasReplacedIsTrustedAtOnce) {
  open();
  want_token("first");
  EXPECT_EQ(call(fetch_path("/x")).status, 200);
  const TestCertificate next = make_certificate("localhost");
  server_.use_certificate(next);
  server_.drop_connections();
  write("ca.crt", next.certificate);
  const CallResult result = call(fetch_path("/x"));
  EXPECT_EQ(result.status, 200) << result.message;
}

TEST_F(HttpCredentialsTest, AClientCertificateIsShown) {
  const TestCertificate client = make_certificate("system-sluice");
  write("client.crt", client.certificate);
  write("client.key", client.key);
  server_.use_certificate(certificate_, client.certificate);
  open("client-certificate: client.crt, client-key: client.key");
  server_.handle([this](const Exchange& exchange) {
    requests_.push_back(exchange);
    server_.answer(exchange.id, 200, "{}");
  });
  const CallResult result = call(fetch_path("/x"));
  ASSERT_EQ(result.status, 200) << result.message;
  EXPECT_EQ(requests_[0].client_certificate, "system-sluice");
  EXPECT_FALSE(requests_[0].headers.contains("authorization"));
}

TEST_F(HttpCredentialsTest, RequestsWaitForAPluginAndNoLongerThanTheirTime) {
  const std::string plugin = write("plugin", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(plugin, std::filesystem::perms::owner_all);
  open("exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}");
  client_->calls().submit(fetch_path("/x"), now_ms());
  turn();
  skip(30'000);
  std::vector<CallResult> results;
  ASSERT_TRUE(turn_until([&] {
    results = client_->calls().take_results();
    return !results.empty();
  }));
  EXPECT_EQ(results[0].outcome, Outcome::kNetwork);
  EXPECT_THAT(results[0].message, HasSubstr("waits for credentials"));
  EXPECT_TRUE(requests_.empty());
}

}  // namespace
}  // namespace sluice::kube
