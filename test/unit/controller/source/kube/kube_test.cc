#include "controller/source/kube/kube.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>
#include <fstream>
#include <functional>

#include "test/harness/temp_directory.h"
#include "test/unit/controller/source/kube/served_objects.h"

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using model::Kind;
using model::ObjectKey;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kGateways = "/apis/gateway.networking.k8s.io/v1/gateways";
const std::string kSecrets = "/api/v1/secrets";
const std::string kSecretPath = "/api/v1/namespaces/shop/secrets/web-tls";
const ObjectKey kWeb{Kind::kGateway, {"shop", "web"}};
const ObjectKey kTls{Kind::kSecret, {"shop", "web-tls"}};

Json gateway(int port) {
  return {{"metadata", {{"namespace", "shop"}, {"name", "web"}, {"generation", port}}},
          {"spec",
           {{"gatewayClassName", "sluice"},
            {"listeners",
             {{{"name", "https"},
               {"port", port},
               {"protocol", "HTTPS"},
               {"tls", {{"certificateRefs", {{{"name", "web-tls"}}}}}}}}}}}};
}

Json secret(const std::string& certificate) {
  return {{"metadata", {{"namespace", "shop"}, {"name", "web-tls"}}},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", certificate}, {"tls.key", "a2V5"}}}};
}

Json status(const std::string& message, int observed = 443) {
  return {{"conditions",
           {{{"type", "Accepted"},
             {"status", "True"},
             {"reason", "Accepted"},
             {"message", message},
             {"observedGeneration", observed},
             {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}};
}

class KubeSourceTest : public ::testing::Test {
 protected:
  void open() {
    write("ca.crt", cluster_.authority());
    KubeOptions options;
    options.cluster = {write("config", cluster_.kubeconfig("ca.crt")), ""};
    options.controller_name = "sluice.dev/gateway-controller";
    options.state_directory = directory_.path();
    auto opened = open_kubernetes(options);
    ASSERT_TRUE(opened) << opened.error().message;
    source_ = std::move(*opened);
  }

  void turn() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    Batch batch = source_->poll(static_cast<std::uint64_t>(now));
    waiting_ = batch.waiting;
    std::ranges::move(batch.changes, std::back_inserter(changes_));
    cluster_.server().step();
    pollfd events[] = {{source_->fd(), POLLIN, 0}, {cluster_.server().fd(), POLLIN, 0}};
    const int timeout = source_->timeout_ms();
    ::poll(events, 2, timeout < 0 ? 20 : std::min(timeout, 20));
  }

  bool turn_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      turn();
    }
    return true;
  }

  bool turn_until_started() {
    return turn_until([this] { return !waiting_; });
  }

  std::size_t told(const ObjectKey& key) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(changes_, [&](const auto& change) { return change.key == key; }));
  }

  std::string problems() const {
    std::string all;
    for (const model::Problem& problem : source_->problems())
      all += problem.object + ": " + problem.message + "\n";
    return all;
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  TempDirectory directory_;
  ServedObjects cluster_;
  std::unique_ptr<Source> source_;
  std::vector<model::Change> changes_;
  bool waiting_ = true;
};

TEST_F(KubeSourceTest, NothingIsToldBeforeEveryKindIsListedAndEveryNamedSecretIsHere) {
  cluster_.put(kGateways, gateway(443));
  cluster_.put(kSecrets, secret("b25l"));
  open();
  ASSERT_TRUE(turn_until([this] {
    EXPECT_TRUE(!waiting_ || changes_.empty());
    return !waiting_;
  }));
  EXPECT_EQ(told(kWeb), 1);
  EXPECT_EQ(told(kTls), 1);
}

TEST_F(KubeSourceTest, ASecretThatRotatesIsFetchedOnceForEachVersion) {
  cluster_.put(kGateways, gateway(443));
  cluster_.put(kSecrets, secret("b25l"));
  open();
  ASSERT_TRUE(turn_until_started());
  cluster_.put(kSecrets, secret("dHdv"));
  ASSERT_TRUE(turn_until([this] { return told(kTls) == 2; }));
  cluster_.put(kGateways, gateway(444));
  ASSERT_TRUE(turn_until([this] { return told(kWeb) == 2; }));
  EXPECT_EQ(cluster_.fetches(kSecretPath), 2);
}

// A controller without the right to read one Secret never started.
TEST_F(KubeSourceTest, ASecretThatMayNotBeReadIsAProblemAndHoldsNothingUp) {
  cluster_.put(kGateways, gateway(443));
  cluster_.put(kSecrets, secret("b25l"));
  cluster_.forbid(kSecretPath);
  open();
  ASSERT_TRUE(turn_until_started());
  EXPECT_EQ(told(kWeb), 1);
  EXPECT_EQ(told(kTls), 0);
  EXPECT_THAT(problems(), HasSubstr("Secret/shop/web-tls: cannot be read: "));
}

TEST_F(KubeSourceTest, AStatusIsWrittenForTheVersionThatItWasMadeOf) {
  const Json served = cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  const ServedObjects::Exchange& write = cluster_.writes[0];
  EXPECT_EQ(write.method, "PATCH");
  EXPECT_THAT(write.path, HasSubstr("/namespaces/shop/gateways/web/status?"));
  EXPECT_EQ(write.headers.at("content-type"), "application/merge-patch+json");
  const Json body = Json::parse(write.body);
  EXPECT_EQ(body["metadata"]["resourceVersion"], served["metadata"]["resourceVersion"]);
  EXPECT_EQ(body["metadata"]["uid"], served["metadata"]["uid"]);
  EXPECT_EQ(body["status"]["conditions"][0]["message"], "one");
}

TEST_F(KubeSourceTest, WhatAWrittenStatusSaysNewBecomesAnEvent) {
  const Json served = cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  EXPECT_THAT(cluster_.events, SizeIs(0)) << "nothing is said that was not written";
  Json written = served;
  written["status"] = Json::parse(cluster_.writes[0].body)["status"];
  written["metadata"]["resourceVersion"] = "900";
  cluster_.answer(cluster_.writes[0], 200, written);
  ASSERT_TRUE(turn_until([this] { return cluster_.events.size() == 1; }));
  EXPECT_EQ(cluster_.events[0]["message"], "Accepted is True: one");
}

// An answer that came after the event of a later version brought the older object back.
TEST_F(KubeSourceTest, AnAnswerThatTheWatchHasOvertakenChangesNothing) {
  cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  Json written = gateway(443);
  written["status"] = status("one");
  const Json answer = cluster_.put(kGateways, written);
  cluster_.put(kGateways, gateway(444));
  ASSERT_TRUE(turn_until([this] { return told(kWeb) == 2; }));
  cluster_.answer(cluster_.writes[0], 200, answer);
  // The next write goes out after the answer was taken, and is made of the newest version.
  source_->show_status(kWeb, status("two"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 2; }));
  EXPECT_EQ(told(kWeb), 2);
  EXPECT_THAT(source_->object_json(kWeb), HasSubstr("444"));
}

// A Gateway that was made anew under its old name kept the observedGeneration of the old one.
TEST_F(KubeSourceTest, AnObjectOfAnOldNameHasNoStatusOfOursUntilOneIsShown) {
  cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("old"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  cluster_.answer(cluster_.writes[0], 409, {{"kind", "Status"}, {"code", 409}});
  cluster_.remove(kGateways, "shop/web");
  Json made_anew = gateway(1);
  made_anew["metadata"]["uid"] = "another";
  cluster_.put(kGateways, made_anew);
  ASSERT_TRUE(turn_until([this] { return told(kWeb) >= 3; }));
  source_->show_status(kWeb, status("new", 1));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 2; }));
  EXPECT_THAT(cluster_.writes[1].body, HasSubstr("\"new\""));
}

// A Gateway that was made anew just as it had been was left without a status for ever.
TEST_F(KubeSourceTest, AnObjectThatIsMadeAnewAsItWasGetsTheStatusThatItHad) {
  cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("same"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  cluster_.answer(cluster_.writes[0], 404, {{"kind", "Status"}, {"code", 404}});
  cluster_.remove(kGateways, "shop/web");
  Json made_anew = gateway(443);
  made_anew["metadata"]["uid"] = "another";
  cluster_.put(kGateways, made_anew);
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 2; }));
  EXPECT_EQ(Json::parse(cluster_.writes[1].body)["metadata"]["uid"], "another");
}

TEST_F(KubeSourceTest, AnAnswerDoesNotBringBackWhatWasDeletedMeanwhile) {
  const Json served = cluster_.put(kGateways, gateway(443));
  cluster_.put(kSecrets, secret("b25l"));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  cluster_.remove(kGateways, "shop/web");
  ASSERT_TRUE(turn_until([this] { return told(kWeb) == 2; }));
  cluster_.answer(cluster_.writes[0], 200, served);
  cluster_.put("/api/v1/services", {{"metadata", {{"namespace", "shop"}, {"name", "last"}}},
                                    {"spec", {{"ports", {{{"port", 80}}}}}}});
  ASSERT_TRUE(turn_until([this] { return told({Kind::kService, {"shop", "last"}}) == 1; }));
  EXPECT_EQ(source_->object_json(kWeb), "");
  EXPECT_EQ(told(kWeb), 2);
}

TEST_F(KubeSourceTest, AGatewayOfOursHasAServiceUntilItIsAnothers) {
  Json web = gateway(443);
  web["metadata"]["uid"] = "0f8fad5b-d9cb-469f-a165-70867728950e";
  cluster_.put(kGateways, web);
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.services.size() == 1; }));
  const ServedObjects::Exchange applied = cluster_.services[0];
  EXPECT_EQ(applied.method, "PATCH");
  EXPECT_THAT(applied.path, HasSubstr("/namespaces/shop/services/web-0f8fad5b?"));
  EXPECT_EQ(applied.headers.at("content-type"), "application/apply-patch+yaml");
  const Json made = cluster_.put("/api/v1/services", Json::parse(applied.body));
  cluster_.answer(applied, 201, made);
  ASSERT_TRUE(turn_until([this] { return told({Kind::kService, {"shop", "web-0f8fad5b"}}) == 1; }));
  source_->show_status(kWeb, nullptr);
  ASSERT_TRUE(turn_until([this] { return cluster_.services.size() == 2; }));
  EXPECT_EQ(cluster_.services[1].method, "DELETE");
  EXPECT_EQ(Json::parse(cluster_.services[1].body)["preconditions"]["uid"],
            made["metadata"]["uid"]);
}

}  // namespace
}  // namespace sluice::source
