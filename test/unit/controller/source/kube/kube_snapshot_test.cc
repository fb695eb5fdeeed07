// A source that starts while the API server is away.
#include <gmock/gmock.h>

#include <filesystem>

#include "controller/source/kube/snapshot.h"
#include "test/unit/controller/source/kube/followed_cluster.h"

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using model::Kind;
using model::ObjectKey;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kGateways = "/apis/gateway.networking.k8s.io/v1/gateways";
const std::string kRoutes = "/apis/gateway.networking.k8s.io/v1/httproutes";
const std::string kServices = "/api/v1/services";
const std::string kSecrets = "/api/v1/secrets";
const ObjectKey kWeb{Kind::kGateway, {"shop", "web"}};
const ObjectKey kShop{Kind::kHttpRoute, {"shop", "shop"}};
const ObjectKey kBlue{Kind::kService, {"shop", "blue"}};
const ObjectKey kGreen{Kind::kService, {"shop", "green"}};
const ObjectKey kTls{Kind::kSecret, {"shop", "web-tls"}};

Json named(const std::string& name) {
  return {{"namespace", "shop"}, {"name", name}};
}

Json service(const std::string& name, int port = 80) {
  return {{"metadata", named(name)}, {"spec", {{"ports", {{{"port", port}}}}}}};
}

Json status(const std::string& message) {
  return {{"conditions",
           {{{"type", "Accepted"},
             {"status", "True"},
             {"reason", "Accepted"},
             {"message", message},
             {"observedGeneration", 1},
             {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}};
}

Json gateway() {
  const Json listener = {{"name", "https"},
                         {"port", 443},
                         {"protocol", "HTTPS"},
                         {"tls", {{"certificateRefs", Json::array({{{"name", "web-tls"}}})}}}};
  return {{"metadata", named("web")},
          {"spec", {{"gatewayClassName", "sluice"}, {"listeners", Json::array({listener})}}},
          {"status", status("shown")}};
}

Json route() {
  return {{"metadata", named("shop")},
          {"spec", {{"parentRefs", Json::array({{{"name", "web"}}})}}}};
}

Json secret() {
  return {{"metadata", named("web-tls")},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", "b25l"}, {"tls.key", "a2V5"}}}};
}

class KubeSnapshotTest : public FollowedCluster {
 protected:
  KubeSnapshotTest() {
    options_.nothing_serves = true;
    cluster_.put(kGateways, gateway());
    cluster_.put(kRoutes, route());
    cluster_.put(kServices, service("blue"));
    cluster_.put(kSecrets, secret());
  }

  // A first source sees everything and is killed, and the API server goes away.
  void lose_the_api_server() {
    open();
    ASSERT_TRUE(turn_until_started());
    pass(Snapshot::kWriteMs);
    ASSERT_TRUE(turn_until([this] { return std::filesystem::exists(file()); }));
    source_.reset();
    changes_.clear();
    cluster_.go_away();
  }

  void start_without_it() {
    open();
    turn();
    EXPECT_THAT(changes_, IsEmpty());
    EXPECT_TRUE(waiting_) << "the API server may answer yet";
    pass(kPatienceMs);
    turn();
  }

  void come_back() {
    cluster_.come_back();
    ASSERT_TRUE(turn_until([this] {
      pass(5000);  // pauses between tries
      turn();
      return !outdated_;
    }));
  }

  void pass(std::uint64_t ms) { ahead_ms_ += ms; }

  std::string file() const { return directory_.path() + "/snapshot/objects.log"; }
};

TEST_F(KubeSnapshotTest, ItTellsTheSnapshotWhenTheApiServerDoesNotAnswer) {
  lose_the_api_server();
  start_without_it();
  EXPECT_FALSE(waiting_);
  EXPECT_TRUE(outdated_);
  EXPECT_EQ(told(kWeb), 1);
  EXPECT_EQ(told(kShop), 1);
  EXPECT_EQ(told(kBlue), 1);
  EXPECT_EQ(told(kTls), 0) << "Secrets are not kept unless asked for";
  EXPECT_THAT(source_->status_text(kWeb), HasSubstr("shown"));
  EXPECT_THAT(problems(), HasSubstr("the snapshot serves"));
}

TEST_F(KubeSnapshotTest, NothingIsWrittenWhileTheSnapshotServes) {
  lose_the_api_server();
  start_without_it();
  source_->show_status(kWeb, status("new"));
  for (int i = 0; i < 20; ++i) {
    pass(1000);
    turn();
  }
  EXPECT_THAT(cluster_.while_away, Each(Field(&ApiServer::Exchange::method, "GET")));
  EXPECT_THAT(cluster_.while_away,
              Each(Field(&ApiServer::Exchange::path, Not(HasSubstr("lease")))));
  come_back();
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  EXPECT_THAT(cluster_.writes[0].body, HasSubstr("\"new\""));
}

TEST_F(KubeSnapshotTest, WhatDidNotChangeIsNotToldAgain) {
  options_.snapshot_secrets = true;
  lose_the_api_server();
  start_without_it();
  EXPECT_EQ(told(kTls), 1);
  cluster_.put(kServices, service("green"));
  cluster_.put(kServices, service("blue", 81));
  cluster_.remove(kRoutes, "shop/shop");
  come_back();
  EXPECT_FALSE(waiting_);
  EXPECT_EQ(told(kWeb), 1);
  EXPECT_EQ(told(kTls), 1);
  EXPECT_EQ(told(kBlue), 2);
  EXPECT_EQ(told(kGreen), 1);
  EXPECT_EQ(told(kShop), 2);
  EXPECT_EQ(changes_.back().key, kShop);
  EXPECT_EQ(changes_.back().object, nullptr);
  EXPECT_THAT(problems(), Not(HasSubstr("snapshot")));
}

TEST_F(KubeSnapshotTest, WhereAnOlderTableServesNothingIsTold) {
  lose_the_api_server();
  options_.nothing_serves = false;
  start_without_it();
  EXPECT_TRUE(waiting_);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(KubeSnapshotTest, AnApiServerThatAnswersInTimeIsNotOvertaken) {
  lose_the_api_server();
  cluster_.come_back();
  open();
  ASSERT_TRUE(turn_until_started());
  EXPECT_FALSE(outdated_);
  EXPECT_EQ(told(kWeb), 1);
  EXPECT_EQ(told(kTls), 1);
  pass(kPatienceMs);
  turn();
  EXPECT_EQ(told(kWeb), 1);
}

TEST_F(KubeSnapshotTest, WhatMayNotBeListedAnyMoreStays) {
  lose_the_api_server();
  start_without_it();
  cluster_.forbid(kRoutes);
  come_back();
  EXPECT_EQ(told(kShop), 1);
  cluster_.remove(kRoutes, "shop/shop");
  cluster_.serve_again(kRoutes);
  ASSERT_TRUE(turn_until([this] {
    pass(45'000);
    turn();
    return told(kShop) == 2;
  }));
}

// An API server that starts answers 404 for a moment, and every route was gone.
TEST_F(KubeSnapshotTest, ObjectsOfAKindThatIsAbsentGoWhenItIsAbsentTwice) {
  lose_the_api_server();
  start_without_it();
  cluster_.make_absent(kRoutes);
  cluster_.come_back();
  ASSERT_TRUE(turn_until([this] {
    pass(1000);
    turn();
    return problems().find("serves no httproutes") != std::string::npos;
  }));
  EXPECT_TRUE(outdated_);
  EXPECT_EQ(told(kShop), 1);
  cluster_.serve_again(kRoutes);
  come_back();
  EXPECT_EQ(told(kShop), 1);
  EXPECT_EQ(told(kWeb), 1);
}

TEST_F(KubeSnapshotTest, ADamagedSnapshotIsAProblemAndNoStop) {
  lose_the_api_server();
  std::ofstream(file()) << "nonsense";
  start_without_it();
  EXPECT_TRUE(waiting_);
  EXPECT_THAT(problems(), HasSubstr(file()));
  cluster_.come_back();
  ASSERT_TRUE(turn_until([this] {
    pass(5000);
    turn();
    return !waiting_;
  }));
  EXPECT_EQ(told(kWeb), 1);
}

TEST_F(KubeSnapshotTest, TheEndOfTheProcessWaitsForNoSecond) {
  open();
  ASSERT_TRUE(turn_until_started());
  EXPECT_FALSE(std::filesystem::exists(file()));
  cluster_.go_away();
  source_->close(now_ms());
  EXPECT_TRUE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace sluice::source
