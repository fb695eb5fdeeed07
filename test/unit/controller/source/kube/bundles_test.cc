#include "controller/source/kube/bundles.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

using Json = nlohmann::json;
using model::Bundle;
using model::Kind;
using Releases = std::set<std::string>;

kube::WatchEvent crd(const std::string& name, const std::string& release,
                     const std::string& channel = "standard") {
  kube::WatchEvent event;
  event.object.name = name;
  event.json = {{"metadata",
                 {{"name", name},
                  {"annotations",
                   {{"gateway.networking.k8s.io/bundle-version", release},
                    {"gateway.networking.k8s.io/channel", channel}}}}}};
  return event;
}

kube::WatchEvent gone(const std::string& name) {
  kube::WatchEvent event;
  event.kind = kube::EventKind::kDelete;
  event.object.name = name;
  return event;
}

TEST(BundlesTest, CrdsSayReleaseAndChannelOfTheirKind) {
  Bundles bundles;
  bundles.take(crd("gateways.gateway.networking.k8s.io", "v1.7.0", "experimental"));
  bundles.take(crd("backendtlspolicies.gateway.networking.k8s.io", "v1.6.3"));
  EXPECT_EQ(bundles.api().bundles,
            (std::map<Kind, Bundle>{{Kind::kGateway, {"v1.7.0", true}},
                                    {Kind::kBackendTlsPolicy, {"v1.6.3", false}}}));
  EXPECT_EQ(bundles.api().releases, (Releases{"v1.6.3", "v1.7.0"}));
  bundles.take(gone("backendtlspolicies.gateway.networking.k8s.io"));
  EXPECT_EQ(bundles.api().releases, Releases{"v1.7.0"});
  EXPECT_EQ(bundles.api().bundles.size(), 1);
}

TEST(BundlesTest, KindsThatAreNotReadCountForTheRelease) {
  Bundles bundles;
  bundles.take(crd("futureroutes.gateway.networking.k8s.io", "v1.4.1"));
  bundles.take(crd("xmeshes.gateway.networking.x-k8s.io", "v1.3.0"));
  EXPECT_TRUE(bundles.api().bundles.empty());
  EXPECT_EQ(bundles.api().releases, (Releases{"v1.3.0", "v1.4.1"}));
}

TEST(BundlesTest, CrdsOfOtherApisCountForNothing) {
  Bundles bundles;
  bundles.take(crd("backends.sluice.dev", "v1.4.1"));
  bundles.take(crd("gateways.networking.istio.io", "v1.4.1"));
  EXPECT_EQ(bundles.api(), model::InstalledApi{});
}

TEST(BundlesTest, ACrdWithoutAVersionOrWithNonsenseSaysNone) {
  const std::string name = "gateways.gateway.networking.k8s.io";
  kube::WatchEvent bare = crd(name, "");
  bare.json = {{"metadata", {{"name", name}}}};
  kube::WatchEvent odd = crd(name, "");
  odd.json["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = 7;
  for (const kube::WatchEvent& event : {bare, odd, crd(name, std::string(65, 'v'))}) {
    Bundles bundles;
    bundles.take(event);
    EXPECT_EQ(bundles.api().releases, Releases{""});
    EXPECT_EQ(bundles.api().bundles.at(Kind::kGateway), Bundle{});
  }
}

}  // namespace
}  // namespace sluice::source
