#include <gmock/gmock.h>

#include <set>

#include "test/unit/controller/source/kube/followed_cluster.h"

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
constexpr std::size_t kNowhere = std::string::npos;
const std::string kBundles = "/apis/certificates.k8s.io/v1/clustertrustbundles";
const std::string kOlderBundles = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";
const std::string kTcpRoutes = "/apis/gateway.networking.k8s.io/v1/tcproutes";
const std::string kOlderTcpRoutes = "/apis/gateway.networking.k8s.io/v1alpha2/tcproutes";
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

class KubeSourceTest : public FollowedCluster {};

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

// A Service that could not be written stayed a problem after its Gateway was gone.
TEST_F(KubeSourceTest, WhatCannotBeWrittenIsAProblemAsLongAsItsGatewayIsThere) {
  cluster_.put(kGateways, gateway(443));
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("one"));
  ASSERT_TRUE(turn_until([this] { return cluster_.services.size() == 1; }));
  cluster_.answer(cluster_.services[0], 403, {{"kind", "Status"}, {"code", 403}});
  ASSERT_TRUE(turn_until([this] { return problems().find("cannot be written") != kNowhere; }));
  cluster_.remove(kGateways, "shop/web");
  EXPECT_TRUE(turn_until([this] { return problems().find("cannot be written") == kNowhere; }));
}

// A Gateway that was made anew just as it had been never got a Service.
TEST_F(KubeSourceTest, AGatewayThatIsMadeAnewAsItWasGetsAServiceOfItsOwn) {
  Json web = gateway(443);
  web["metadata"]["uid"] = "0f8fad5b-d9cb-469f-a165-70867728950e";
  cluster_.put(kGateways, web);
  open();
  ASSERT_TRUE(turn_until_started());
  source_->show_status(kWeb, status("same"));
  ASSERT_TRUE(turn_until([this] { return cluster_.services.size() == 1; }));
  cluster_.answer(cluster_.services[0], 201,
                  cluster_.put("/api/v1/services", Json::parse(cluster_.services[0].body)));
  cluster_.remove(kGateways, "shop/web");
  web["metadata"]["uid"] = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
  cluster_.put(kGateways, web);
  const std::string anew = "/namespaces/shop/services/web-7c9e6679?";
  EXPECT_TRUE(turn_until([&] {
    return std::ranges::any_of(cluster_.services, [&](const auto& write) {
      return write.method == "PATCH" && write.path.find(anew) != kNowhere;
    });
  }));
}

TEST_F(KubeSourceTest, TheReleaseOfTheGatewayApiIsToldAndFollowed) {
  const std::string crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const auto crd = [](const char* release) {
    return Json{{"metadata",
                 {{"name", "gateways.gateway.networking.k8s.io"},
                  {"annotations", {{"gateway.networking.k8s.io/bundle-version", release}}}}}};
  };
  cluster_.put(crds, crd("v1.6.3"));
  open();
  ASSERT_TRUE(turn_until_started());
  ASSERT_TRUE(api_);
  EXPECT_EQ(api_->bundles.at(Kind::kGateway).release, "v1.6.3");
  EXPECT_EQ(api_->absent, std::set<Kind>{});
  cluster_.put(crds, crd("v1.7.0"));
  ASSERT_TRUE(turn_until([this] { return api_->releases == std::set<std::string>{"v1.7.0"}; }));
}

TEST_F(KubeSourceTest, BundlesThatAreNotServedAreAbsentAndNoProblem) {
  cluster_.make_absent(kBundles);
  cluster_.make_absent(kOlderBundles);
  open();
  ASSERT_TRUE(turn_until_started());
  ASSERT_TRUE(api_);
  EXPECT_EQ(api_->absent, std::set<Kind>{Kind::kClusterTrustBundle});
  EXPECT_EQ(problems(), "");
}

TEST_F(KubeSourceTest, BundlesOfTheOlderVersionAreReadWhereItIsTheOnlyOne) {
  cluster_.make_absent(kBundles);
  cluster_.put(kOlderBundles,
               {{"metadata", {{"name", "ca"}}}, {"spec", {{"trustBundle", "text"}}}});
  open();
  ASSERT_TRUE(turn_until_started());
  EXPECT_EQ(told({Kind::kClusterTrustBundle, {"", "ca"}}), 1);
  ASSERT_TRUE(api_);
  EXPECT_EQ(api_->absent, std::set<Kind>{});
  EXPECT_EQ(problems(), "");
}

TEST_F(KubeSourceTest, RoutesOfAnOlderVersionHaveTheirStatusWrittenInIt) {
  cluster_.make_absent(kTcpRoutes);
  cluster_.put(kOlderTcpRoutes,
               {{"metadata", {{"namespace", "shop"}, {"name", "ssh"}}},
                {"spec", {{"rules", {{{"backendRefs", {{{"name", "ssh"}, {"port", 22}}}}}}}}}});
  open();
  ASSERT_TRUE(turn_until_started());
  const ObjectKey key{Kind::kTcpRoute, {"shop", "ssh"}};
  EXPECT_EQ(told(key), 1);
  source_->show_status(key, {{"parents",
                              {{{"controllerName", "sluice.dev/gateway-controller"},
                                {"parentRef", {{"name", "gw"}}},
                                {"conditions", Json::array()}}}}});
  ASSERT_TRUE(turn_until([this] { return cluster_.writes.size() == 1; }));
  EXPECT_THAT(cluster_.writes[0].path,
              HasSubstr("/v1alpha2/namespaces/shop/tcproutes/ssh/status?"));
}

TEST_F(KubeSourceTest, WhereNoRoutesOfAKindAreServedNothingIsMissed) {
  cluster_.make_absent(kTcpRoutes);
  cluster_.make_absent(kOlderTcpRoutes);
  open();
  ASSERT_TRUE(turn_until_started());
  ASSERT_TRUE(api_);
  EXPECT_EQ(api_->absent, std::set<Kind>{Kind::kTcpRoute});
  EXPECT_EQ(problems(), "");
}

}  // namespace
}  // namespace sluice::source
