#include <gtest/gtest.h>

#include "controller/model/object.h"

namespace sluice::model {
namespace {

TEST(KindTest, KindIsFoundByGroupAndName) {
  EXPECT_EQ(find_kind("gateway.networking.k8s.io", "HTTPRoute"), Kind::kHttpRoute);
  EXPECT_EQ(find_kind("", "Service"), Kind::kService);
  EXPECT_EQ(find_kind("sluice.dev", "Backend"), Kind::kBackend);
  EXPECT_EQ(find_kind("discovery.k8s.io", "EndpointSlice"), Kind::kEndpointSlice);
}

TEST(KindTest, KindOfAnotherGroupIsUnknown) {
  EXPECT_EQ(find_kind("apps", "Service"), std::nullopt);
  EXPECT_EQ(find_kind("gateway.networking.k8s.io", "httproute"), std::nullopt);
  EXPECT_EQ(find_kind("", "Pod"), std::nullopt);
}

TEST(KindTest, OnlyClassesAndNamespacesAreClusterScoped) {
  EXPECT_FALSE(is_namespaced(Kind::kGatewayClass));
  EXPECT_FALSE(is_namespaced(Kind::kNamespace));
  EXPECT_TRUE(is_namespaced(Kind::kGateway));
  EXPECT_TRUE(is_namespaced(Kind::kBackend));
}

TEST(KindTest, KeyTextNamesKindNamespaceAndName) {
  EXPECT_EQ((ObjectKey{Kind::kHttpRoute, {"default", "web"}}).text(), "HTTPRoute/default/web");
  EXPECT_EQ((ObjectKey{Kind::kGatewayClass, {"", "sluice"}}).text(), "GatewayClass/sluice");
}

}  // namespace
}  // namespace sluice::model
