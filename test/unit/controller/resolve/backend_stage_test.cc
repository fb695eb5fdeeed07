#include "controller/resolve/backend_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::resolve {
namespace {

using model::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

const BackendKey kWeb{{Kind::kService, {"ns", "web"}}, 80};

model::Service service(std::string port_name, std::string target_port = "8080") {
  model::Service object;
  object.meta.name = {"ns", "web"};
  model::ServicePort port;
  port.name = std::move(port_name);
  port.port = 80;
  port.target_port = std::move(target_port);
  object.ports = {port};
  return object;
}

model::EndpointSlice slice(std::string name, std::string service_name, model::SlicePort port,
                           std::vector<std::string> addresses) {
  model::EndpointSlice object;
  object.meta.name = {"ns", std::move(name)};
  object.service = std::move(service_name);
  for (std::string& address : addresses) {
    object.endpoints.push_back({.addresses = {std::move(address)}});
  }
  object.ports = {std::move(port)};
  return object;
}

class BackendStageTest : public testing::Test {
 protected:
  template <class T>
  void put(T object) {
    const auto shared = std::make_shared<const model::Object>(std::move(object));
    const model::ObjectKey key = model::key_of(*shared);
    store_.apply({key, shared});
    stage_.on_change(key, store_);
  }

  Delta published() {
    Delta delta;
    stage_.publish(store_, policies_, delta);
    return delta;
  }

  // "address:port" of the only backend that was published.
  std::vector<std::string> addresses() {
    const Delta delta = published();
    if (delta.backends.size() != 1) return {"not one backend"};
    std::vector<std::string> texts;
    for (const BackendAddress& address : delta.backends.front().addresses) {
      texts.push_back(address.address + ":" + std::to_string(address.port));
    }
    return texts;
  }

  model::Store store_;
  PolicyStage policies_;
  BackendStage stage_;
};

TEST_F(BackendStageTest, PortsAreJoinedByName) {
  put(service("http"));
  put(slice("s1", "web", {"http", "TCP", 3000}, {"10.0.0.1"}));
  put(slice("s2", "web", {"metrics", "TCP", 9100}, {"10.0.0.2"}));
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:3000"));
}

TEST_F(BackendStageTest, ASlicePortWithoutANumberLeavesItToTheService) {
  put(service("", "3001"));
  put(slice("s1", "web", {"", "TCP", std::nullopt}, {"10.0.0.1"}));
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:3001"));
}

TEST_F(BackendStageTest, OnlyTheFirstAddressOfAnEndpointCounts) {
  put(service(""));
  model::EndpointSlice object = slice("s1", "web", {"", "TCP", 80}, {});
  object.endpoints = {{.addresses = {"10.0.0.1", "10.0.0.2"}}, {.addresses = {}}};
  put(object);
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:80"));
}

TEST_F(BackendStageTest, HostnamesInASliceAreLeftOut) {
  put(service(""));
  put(slice("s1", "web", {"", "TCP", 80}, {"web.example.com"}));
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), IsEmpty());
}

TEST_F(BackendStageTest, ASliceThatMovesToAnotherServiceLeavesTheFirst) {
  put(service(""));
  put(slice("s1", "web", {"", "TCP", 80}, {"10.0.0.1"}));
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:80"));
  put(slice("s1", "other", {"", "TCP", 80}, {"10.0.0.1"}));
  EXPECT_THAT(addresses(), IsEmpty());
}

TEST_F(BackendStageTest, TheSameEndpointsAgainSayNothing) {
  put(service(""));
  put(slice("s1", "web", {"", "TCP", 80}, {"10.0.0.1"}));
  stage_.use(kWeb);
  published();
  put(slice("s1", "web", {"", "TCP", 80}, {"10.0.0.1"}));
  EXPECT_TRUE(published().empty());
}

TEST_F(BackendStageTest, ABackendIsGoneWithItsLastRoute) {
  put(service(""));
  stage_.use(kWeb);
  stage_.use(kWeb);
  published();
  stage_.release(kWeb);
  EXPECT_TRUE(published().empty());
  stage_.release(kWeb);
  EXPECT_THAT(published().backends_gone, ElementsAre("Service/ns/web:80"));
}

TEST_F(BackendStageTest, ABackendThatNobodyUsedLongEnoughWasNeverThere) {
  stage_.use(kWeb);
  stage_.release(kWeb);
  EXPECT_TRUE(published().empty());
}

TEST_F(BackendStageTest, APortOfTwoProtocolsIsTwoBackends) {
  model::Service object = service("tcp");
  object.ports.push_back(object.ports.front());
  object.ports.back().name = "udp";
  object.ports.back().protocol = "UDP";
  put(object);
  put(slice("s1", "web", {"tcp", "TCP", 3000}, {"10.0.0.1"}));
  put(slice("s2", "web", {"udp", "UDP", 5300}, {"10.0.0.2"}));
  stage_.use({kWeb.object, 80, Transport::kUdp});
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.2:5300"));
  stage_.use(kWeb);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:3000"));
  put(slice("s2", "web", {"udp", "UDP", 5300}, {"10.0.0.3"}));
  EXPECT_EQ(published().backends.front().id, "Service/ns/web:80/udp");
}

TEST_F(BackendStageTest, DatagramsGoToNoUnixSocket) {
  model::Backend object;
  object.meta.name = {"ns", "api"};
  object.endpoints = {{"10.0.0.1", 53, ""}, {"", 0, "/run/api.sock"}};
  put(object);
  stage_.use({{Kind::kBackend, {"ns", "api"}}, 0, Transport::kUdp});
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:53"));
}

model::Backend named(std::vector<std::string> hostnames) {
  model::Backend object;
  object.meta.name = {"ns", "api"};
  for (std::string& hostname : hostnames)
    object.endpoints.push_back({"", 443, "", std::move(hostname)});
  return object;
}

const BackendKey kApi{{Kind::kBackend, {"ns", "api"}}, 0};

TEST_F(BackendStageTest, AHostnameHasTheAddressesOfItsAnswer) {
  put(named({"api.example.com", "db"}));
  stage_.use(kApi);
  EXPECT_THAT(addresses(), IsEmpty());
  stage_.on_answer({"api.example.com", {"10.0.0.1", "2001:db8::1"}});
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:443", "2001:db8::1:443"));
  stage_.on_answer({"db", {"10.0.0.1", "10.0.0.2"}});
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:443", "10.0.0.2:443", "2001:db8::1:443"));
  stage_.on_answer({"api.example.com", {}});
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:443", "10.0.0.2:443"));
}

TEST_F(BackendStageTest, AnAnswerThatCameBeforeTheBackendCounts) {
  stage_.on_answer({"db", {"10.0.0.1"}});
  EXPECT_TRUE(published().empty());
  put(named({"db"}));
  stage_.use(kApi);
  EXPECT_THAT(addresses(), ElementsAre("10.0.0.1:443"));
}

TEST_F(BackendStageTest, ANameThatTheBackendHasNoMoreTouchesNothing) {
  put(named({"db"}));
  stage_.use(kApi);
  published();
  put(named({"other"}));
  published();
  stage_.on_answer({"db", {"10.0.0.1"}});
  EXPECT_TRUE(published().empty());
}

}  // namespace
}  // namespace sluice::resolve
