#include "controller/model/store.h"

#include <gtest/gtest.h>

namespace sluice::model {
namespace {

std::shared_ptr<const Object> service(const std::string& ns, const std::string& name) {
  Service value;
  value.meta.name = {ns, name};
  return std::make_shared<const Object>(value);
}

Change upsert(const std::shared_ptr<const Object>& object) {
  return {key_of(*object), object};
}

TEST(StoreTest, AppliedObjectIsFoundByItsKindAndName) {
  Store store;
  EXPECT_TRUE(store.apply(upsert(service("default", "web"))));

  const auto* found = store.find<Service>(Kind::kService, {"default", "web"});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->meta.name.text(), "default/web");
  EXPECT_EQ(store.find<Service>(Kind::kService, {"other", "web"}), nullptr);
  EXPECT_EQ(store.find<Backend>(Kind::kBackend, {"default", "web"}), nullptr);
  EXPECT_EQ(store.size(), 1U);
}

TEST(StoreTest, SecondApplyReplacesTheObject) {
  Store store;
  store.apply(upsert(service("default", "web")));
  const auto newer = service("default", "web");
  EXPECT_TRUE(store.apply(upsert(newer)));
  EXPECT_EQ(store.share({Kind::kService, {"default", "web"}}), newer);
  EXPECT_EQ(store.size(), 1U);
}

TEST(StoreTest, DeletingWhatIsNotThereChangesNothing) {
  Store store;
  EXPECT_FALSE(store.apply({{Kind::kService, {"default", "web"}}, nullptr}));
  store.apply(upsert(service("default", "web")));
  EXPECT_TRUE(store.apply({{Kind::kService, {"default", "web"}}, nullptr}));
  EXPECT_EQ(store.find_object({Kind::kService, {"default", "web"}}), nullptr);
  EXPECT_EQ(store.size(), 0U);
}

TEST(StoreTest, ObjectsOfAKindComeInNameOrder) {
  Store store;
  store.apply(upsert(service("b", "a")));
  store.apply(upsert(service("a", "z")));
  store.apply(upsert(service("a", "b")));
  std::vector<std::string> names;
  for (const auto& [name, object] : store.all(Kind::kService))
    names.push_back(name.text());
  EXPECT_EQ(names, (std::vector<std::string>{"a/b", "a/z", "b/a"}));
  EXPECT_TRUE(store.all(Kind::kSecret).empty());
}

template <class T>
Kind kind_of_default() {
  return kind_of(Object(T{}));
}

TEST(StoreTest, EveryAlternativeKnowsItsKind) {
  EXPECT_EQ(kind_of_default<GatewayClass>(), Kind::kGatewayClass);
  EXPECT_EQ(kind_of_default<Gateway>(), Kind::kGateway);
  EXPECT_EQ(kind_of_default<ListenerSet>(), Kind::kListenerSet);
  EXPECT_EQ(kind_of_default<HttpRoute>(), Kind::kHttpRoute);
  EXPECT_EQ(kind_of_default<GrpcRoute>(), Kind::kGrpcRoute);
  EXPECT_EQ(kind_of_default<TlsRoute>(), Kind::kTlsRoute);
  EXPECT_EQ(kind_of_default<TcpRoute>(), Kind::kTcpRoute);
  EXPECT_EQ(kind_of_default<UdpRoute>(), Kind::kUdpRoute);
  EXPECT_EQ(kind_of_default<ReferenceGrant>(), Kind::kReferenceGrant);
  EXPECT_EQ(kind_of_default<Service>(), Kind::kService);
  EXPECT_EQ(kind_of_default<EndpointSlice>(), Kind::kEndpointSlice);
  EXPECT_EQ(kind_of_default<Namespace>(), Kind::kNamespace);
  EXPECT_EQ(kind_of_default<Secret>(), Kind::kSecret);
  EXPECT_EQ(kind_of_default<ConfigMap>(), Kind::kConfigMap);
  EXPECT_EQ(kind_of_default<Backend>(), Kind::kBackend);
  EXPECT_EQ(kind_of_default<BackendTlsPolicy>(), Kind::kBackendTlsPolicy);
  EXPECT_EQ(kind_of_default<GatewayParameters>(), Kind::kGatewayParameters);
  EXPECT_EQ(kind_of_default<ClusterTrustBundle>(), Kind::kClusterTrustBundle);
}

TEST(StoreTest, WithoutAnApiServerEveryKindIsServed) {
  Store store;
  EXPECT_TRUE(store.serves(Kind::kClusterTrustBundle));
  store.set_api({.bundles = {}, .releases = {}, .absent = {Kind::kClusterTrustBundle}});
  EXPECT_FALSE(store.serves(Kind::kClusterTrustBundle));
  EXPECT_TRUE(store.serves(Kind::kConfigMap));
}

}  // namespace
}  // namespace sluice::model
