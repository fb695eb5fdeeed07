#include "controller/control/desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "test/harness/temp_directory.h"
#include "test/unit/controller/keeper/fake_worker.h"

namespace sluice::control {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class FakeSource : public source::Source {
 public:
  int fd() const override { return -1; }

  int timeout_ms() const override { return -1; }

  source::Batch poll(std::uint64_t) override { return {}; }

  source::Batch rescan() override { return {}; }

  std::vector<model::Problem> problems() const override {
    return {{{"web.yaml", 7}, "HTTPRoute/default/r", "spec.rules", "too many"}};
  }

  std::string object_json(const model::ObjectKey& key) const override {
    json object = {{"kind", model::kind_name(key.kind)}, {"metadata", {{"name", key.name.name}}}};
    if (key.kind == model::Kind::kSecret) object["data"] = {{"tls.key", "c2VjcmV0"}};
    return object.dump();
  }

  std::vector<std::string> ignored() const override { return {"v1 Pod default/p (web.yaml:9)"}; }
};

// The socket and its client are real; the loop is the test.
class DeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = Server::open(directory_.path() + "/control.sock", static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    auto keeper =
        keeper::Keeper::open(directory_.path() + "/keeper.sock", static_cast<std::uint32_t>(-1));
    ASSERT_TRUE(keeper) << keeper.error().message;
    keeper_ = std::move(*keeper);
    model::Gateway gateway;
    gateway.meta.name = {"default", "web"};
    gateway.meta.generation = 2;
    put(gateway);
    model::Secret secret;
    secret.meta.name = {"default", "cert"};
    put(secret);
    progress_.published = true;
    progress_.generation = 4;
    progress_.sockets_settled = true;
  }

  template <class T>
  void put(T object) {
    const auto shared = std::make_shared<const model::Object>(std::move(object));
    store_.apply({model::key_of(*shared), shared});
  }

  std::future<std::pair<int, json>> ask(const std::string& method, const std::string& target) {
    auto reply = std::async(std::launch::async, [method, target, path = directory_.path()] {
      httplib::Client client(path + "/control.sock");
      client.set_address_family(AF_UNIX);
      const httplib::Result result =
          method == "GET" ? client.Get(target.c_str()) : client.Post(target.c_str());
      if (!result) return std::pair(0, json());
      return std::pair(result->status, json::parse(result->body, nullptr, false));
    });
    pollfd waiting{server_->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 10000), 1);
    for (Call& call : server_->take())
      desk_.take(std::move(call), *keeper_, progress_, now_ms_);
    return reply;
  }

  std::pair<int, json> get(const std::string& target) { return ask("GET", target).get(); }

  void settle() { desk_.settle(*keeper_, progress_, now_ms_); }

  std::unique_ptr<keeper::FakeWorker> worker_with(std::uint64_t acknowledged) {
    auto worker = std::make_unique<keeper::FakeWorker>(directory_.path() + "/keeper.sock");
    worker->greet(11);
    worker->acknowledge(acknowledged);
    keeper_->poll(now_ms_);
    keeper_->poll(now_ms_);
    return worker;
  }

  TempDirectory directory_;
  FakeSource source_;
  model::Store store_;
  status::StatusBook book_{"sluice.dev/gateway-controller"};
  std::unique_ptr<keeper::Keeper> keeper_;
  std::unique_ptr<Server> server_;
  dns::NameBook names_;
  Desk desk_{{source_, store_, book_, names_}, {"/etc/sluice", "/dev/shm/sluice", "0.1.0", "1-2"}};
  Progress progress_;
  std::uint64_t now_ms_ = 1000;
};

TEST_F(DeskTest, InfoSaysWhichControllerAnswers) {
  const auto [status, body] = get("/v1/info");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(body["directory"], "/etc/sluice");
  EXPECT_EQ(body["tableDirectory"], "/dev/shm/sluice");
  EXPECT_EQ(body["version"], "0.1.0");
  EXPECT_EQ(body["generation"], 4);
  EXPECT_EQ(body["instance"], "1-2");
}

TEST_F(DeskTest, ObjectsAreChosenByKindNamespaceAndName) {
  EXPECT_EQ(get("/v1/objects?kind=gateways").second["items"].size(), 1U);
  EXPECT_EQ(get("/v1/objects?kind=gtw&namespace=default&name=web").second["items"].size(), 1U);
  EXPECT_EQ(get("/v1/objects?kind=gtw&namespace=other").second["items"].size(), 0U);
  EXPECT_EQ(get("/v1/objects?kind=gtw&name=other").second["items"].size(), 0U);
  const auto [status, body] = get("/v1/objects?kind=pods");
  EXPECT_EQ(status, 404);
  EXPECT_THAT(body["error"].get<std::string>(), HasSubstr("unknown kind 'pods'"));
}

TEST_F(DeskTest, ASecretsDataIsNotShown) {
  const json body = get("/v1/objects?kind=secret").second;
  EXPECT_EQ(body["items"][0]["data"]["tls.key"], "[redacted]");
}

TEST_F(DeskTest, ProblemsSayWhere) {
  const json body = get("/v1/problems").second;
  EXPECT_EQ(body["problems"][0], (json{{"file", "web.yaml"},
                                       {"line", 7},
                                       {"object", "HTTPRoute/default/r"},
                                       {"field", "spec.rules"},
                                       {"message", "too many"}}));
  EXPECT_EQ(body["ignored"][0], "v1 Pod default/p (web.yaml:9)");
}

TEST_F(DeskTest, WorkersAreListed) {
  const auto worker = worker_with(4);
  const json body = get("/v1/workers").second;
  ASSERT_EQ(body["workers"].size(), 1U);
  EXPECT_EQ(body["workers"][0]["pid"], 11);
  EXPECT_EQ(body["workers"][0]["acknowledged"], 4);
  EXPECT_EQ(body["workers"][0]["listenersOn"], true);
}

TEST_F(DeskTest, WhatNobodyKnowsIsNotFound) {
  EXPECT_EQ(get("/elsewhere").first, 404);
}

TEST_F(DeskTest, AWaitLooksAtTheSourceAndEndsWithTheLastAcknowledgement) {
  const auto worker = worker_with(3);
  auto reply = ask("POST", "/v1/wait?timeout_ms=5000");
  EXPECT_TRUE(desk_.wants_rescan());
  desk_.looked();
  EXPECT_FALSE(desk_.wants_rescan());
  progress_.published = false;
  settle();
  progress_.published = true;
  progress_.generation = 5;
  settle();
  EXPECT_EQ(desk_.timeout_ms(now_ms_), 5000) << "still waiting";
  worker->acknowledge(5);
  keeper_->poll(now_ms_);
  settle();
  EXPECT_EQ(reply.get(), std::pair(200, json({{"generation", 5}, {"workers", 1}})));
  EXPECT_EQ(desk_.timeout_ms(now_ms_), -1);
}

TEST_F(DeskTest, AWaitThatIsNeverSatisfiedSaysWhatIsMissing) {
  auto reply = ask("POST", "/v1/wait?timeout_ms=100");
  desk_.looked();
  settle();
  now_ms_ += 100;
  settle();
  const auto [status, body] = reply.get();
  EXPECT_EQ(status, 504);
  EXPECT_EQ(body["error"], "timed out: no nginx worker is connected");
}

TEST_F(DeskTest, AWaitForAnObjectWaitsUntilItsStatusHoldsNothingBack) {
  const auto worker = worker_with(4);
  resolve::GatewayFindings gateway;
  gateway.conditions = {{"Accepted", true, "Accepted", "fine"}};
  const model::ObjectKey key{model::Kind::kGateway, {"default", "web"}};
  const auto findings = std::make_shared<resolve::ObjectFindings>(key, 2, gateway);
  book_.put(findings, 5, 1);
  book_.refresh(keeper_->data_plane(), 2);
  auto reply = ask("POST", "/v1/wait?timeout_ms=100&kind=gateway&namespace=default&name=web");
  desk_.looked();
  settle();
  EXPECT_NE(desk_.timeout_ms(now_ms_), -1) << "what was found is not in an adopted table";
  book_.put(findings, 4, 3);
  book_.refresh(keeper_->data_plane(), 4);
  settle();
  EXPECT_EQ(reply.get().first, 200);
}

TEST_F(DeskTest, AWaitForAnUnknownObjectIsNotFound) {
  auto reply = ask("POST", "/v1/wait?kind=gateway&namespace=default&name=other");
  desk_.looked();
  settle();
  EXPECT_EQ(reply.get().first, 404);
  EXPECT_EQ(ask("POST", "/v1/wait?kind=pod&name=p").get().first, 404);
  EXPECT_EQ(ask("POST", "/v1/wait?timeout_ms=soon").get().first, 400);
}

}  // namespace
}  // namespace sluice::control
