#include "controller/resolve/features.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace sluice::resolve {
namespace {

using model::InstalledApi;
using model::Kind;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr bool kExperimental = true;
constexpr bool kStandard = false;

InstalledApi installed(const std::string& release, bool experimental) {
  InstalledApi api;
  api.releases.insert(release);
  for (const Kind kind : {Kind::kGatewayClass, Kind::kGateway, Kind::kListenerSet, Kind::kHttpRoute,
                          Kind::kGrpcRoute, Kind::kTlsRoute, Kind::kTcpRoute, Kind::kUdpRoute,
                          Kind::kReferenceGrant, Kind::kBackendTlsPolicy}) {
    api.bundles[kind] = {release, experimental};
  }
  return api;
}

Options in_cluster() {
  Options options;
  options.in_cluster = true;
  options.address_pool.push_back(*http::parse_ip_network("10.0.0.0/24"));
  return options;
}

std::vector<std::string> features(const std::string& release, bool experimental) {
  return supported_features(installed(release, experimental), in_cluster());
}

TEST(FeaturesTest, TheNewestReleaseHasAllThatIsServed) {
  const std::vector<std::string> all = features("v1.7.0", kExperimental);
  EXPECT_TRUE(std::ranges::is_sorted(all));
  EXPECT_EQ(supported_features(std::nullopt, in_cluster()), all);
  EXPECT_THAT(all, Contains("ClusterTrustBundle"));
  EXPECT_THAT(all, Not(Contains("GatewayInfrastructurePropagation")));
}

TEST(FeaturesTest, AnOlderReleaseHasItsOwnNames) {
  const std::vector<std::string> v163 = features("v1.6.3", kExperimental);
  EXPECT_THAT(v163, Contains("HTTPRouteRetry"));
  EXPECT_THAT(v163, Contains("GatewayInfrastructure"));
  for (const char* const later :
       {"HTTPRouteRetryCodes", "HTTPRouteBackendURLRewrite", "GRPCRouteRequestHeaderModifier",
        "GatewayRouteHostnameIntersectionPrecedence", "GatewayAddressRoutability",
        "ClusterTrustBundle"}) {
    EXPECT_THAT(v163, Not(Contains(later)));
  }
  const std::vector<std::string> v162 = features("v1.6.2", kExperimental);
  EXPECT_THAT(v162, Contains("GatewayInfrastructurePropagation"));
  EXPECT_THAT(v162, Not(Contains("GatewayInfrastructure")));
  const std::vector<std::string> v15 = features("v1.5.0", kExperimental);
  EXPECT_THAT(v15, Contains("ListenerSet"));
  EXPECT_THAT(v15, Not(Contains("HTTPRouteRetry")));
  EXPECT_THAT(v15, Not(Contains("HTTPRouteRetryConnectionError")));
}

TEST(FeaturesTest, FieldsOfTheExperimentalChannelAreNotToldOfTheStandardOne) {
  const std::vector<std::string> v17 = features("v1.7.0", kStandard);
  EXPECT_THAT(v17, Contains("HTTPRouteRetryConnectionError"));
  for (const char* const experimental :
       {"GatewayAddressRoutability", "GatewayAddressRoutabilityCluster", "ClusterTrustBundle"}) {
    EXPECT_THAT(v17, Not(Contains(experimental)));
  }
  const std::vector<std::string> v16 = features("v1.6.3", kStandard);
  EXPECT_THAT(v16, Not(Contains("HTTPRouteRetry")));
  EXPECT_THAT(v16, Not(Contains("HTTPRouteRetryConnectionError")));
}

TEST(FeaturesTest, AKindWithoutCrdOrNotServedHasNoFeatures) {
  InstalledApi api = installed("v1.7.0", kExperimental);
  api.bundles.erase(Kind::kListenerSet);
  api.absent = {Kind::kGrpcRoute, Kind::kClusterTrustBundle};
  const std::vector<std::string> left = supported_features(api, in_cluster());
  EXPECT_THAT(left, Contains("HTTPRoute"));
  EXPECT_THAT(left, Contains("GatewayAddressRoutability"));
  for (const char* const gone :
       {"ListenerSet", "GRPCRoute", "GRPCRouteNamedRouteRule", "ClusterTrustBundle"}) {
    EXPECT_THAT(left, Not(Contains(gone)));
  }
}

TEST(FeaturesTest, ACrdOfAnUnknownReleaseTakesOnlyItsOwnFeaturesAway) {
  InstalledApi api = installed("v1.7.0", kExperimental);
  api.bundles[Kind::kGrpcRoute].release = "v1.8.0";
  EXPECT_THAT(supported_features(api, in_cluster()), Not(Contains("GRPCRoute")));
  EXPECT_THAT(supported_features(api, in_cluster()), Contains("HTTPRoute"));
}

TEST(FeaturesTest, WhatNeedsAnApiServerOrAPoolIsToldWhereTheseAre) {
  Options without_pool = in_cluster();
  without_pool.address_pool.clear();
  const std::vector<std::string> cluster = supported_features(std::nullopt, without_pool);
  EXPECT_THAT(cluster, Contains("GatewayInfrastructure"));
  EXPECT_THAT(cluster, Not(Contains("GatewayAddressRoutability")));
  EXPECT_THAT(supported_features(std::nullopt, {}), Not(Contains("GatewayInfrastructure")));
}

TEST(SupportedVersionTest, KnownReleasesAreSupported) {
  for (const char* const release :
       {"v1.5.0", "v1.5.1", "v1.6.1", "v1.6.12", "v1.7.0-rc.1", "v1.7.0", "v1.7.9"}) {
    const ConditionFinding found = supported_version(installed(release, kStandard));
    EXPECT_TRUE(found.status) << release;
    EXPECT_EQ(found.reason, "SupportedVersion");
    EXPECT_THAT(found.message, HasSubstr(release));
    EXPECT_THAT(features(release, kStandard), Contains("Gateway")) << release;
  }
}

TEST(SupportedVersionTest, OthersAreNot) {
  for (const char* const release :
       {"v1.4.1", "v0.8.0", "v1.8.0", "v2.0.0", "v0.0.0-dev", "", "main", "v1", "v1.7", "v1.7.x",
        "v1.6.3garbage", "v1.7.", "1.7.0", "v1.99999999999.0", "v1.-6.0", "v-1.7.0"}) {
    const ConditionFinding found = supported_version(installed(release, kExperimental));
    EXPECT_FALSE(found.status) << release;
    EXPECT_EQ(found.reason, "UnsupportedVersion");
    EXPECT_THAT(features(release, kExperimental), IsEmpty()) << release;
  }
}

TEST(SupportedVersionTest, OneCrdOfAnUnknownReleaseIsEnoughAndTheMessageHasAll) {
  InstalledApi api = installed("v1.7.0", kStandard);
  api.releases = {"", "v1.4.1", "v1.7.0"};
  const ConditionFinding found = supported_version(api);
  EXPECT_FALSE(found.status);
  EXPECT_EQ(found.message,
            "The CRDs of the Gateway API are of a release that they do not name and v1.4.1 and "
            "v1.7.0; supported are v1.5, v1.6 and v1.7");
}

TEST(SupportedVersionTest, CrdsThatCannotBeReadAreOfNoKnownRelease) {
  const ConditionFinding found = supported_version(InstalledApi{});
  EXPECT_FALSE(found.status);
  EXPECT_THAT(found.message, HasSubstr("could not be found out"));
}

}  // namespace
}  // namespace sluice::resolve
