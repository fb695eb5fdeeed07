#include "controller/source/kube/objects.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using model::Kind;
using nlohmann::json;

const model::ObjectKey kRoute{Kind::kHttpRoute, {"shop", "cart"}};

json route(const std::string& version, const std::string& path = "/cart") {
  return json::parse(R"({"metadata": {"name": "cart", "namespace": "shop", "uid": "u1",
    "generation": 1, "resourceVersion": ")" +
                     version + R"(", "managedFields": [{"time": ")" + version + R"("}]},
    "spec": {"rules": [{"matches": [{"path": {"value": ")" +
                     path + R"("}}]}]},
    "status": {"parents": [], "seen": ")" +
                     version + R"("}})");
}

TEST(KubeObjectsTest, AnObjectOfAListIsTaken) {
  KubeObjects objects;
  const auto change = objects.put(Kind::kHttpRoute, route("5"));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->key, kRoute);
  ASSERT_NE(change->object, nullptr);
  EXPECT_NE(std::get_if<model::HttpRoute>(change->object.get()), nullptr);
  const SeenObject* const seen = objects.find(kRoute);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->resource_version, "5");
  EXPECT_EQ(seen->uid, "u1");
  EXPECT_EQ(json::parse(seen->status), json({{"parents", json::array()}, {"seen", "5"}}));
  EXPECT_EQ(json::parse(seen->text).at("apiVersion"), "gateway.networking.k8s.io/v1");
}

TEST(KubeObjectsTest, TheVersionIsTheOneThatTheObjectCameIn) {
  KubeObjects objects;
  objects.put(Kind::kHttpRoute, route("5"));
  EXPECT_EQ(objects.find(kRoute)->version, "v1");
  json older = route("6");
  older["apiVersion"] = "gateway.networking.k8s.io/v1beta1";
  objects.put(Kind::kHttpRoute, older);
  EXPECT_EQ(objects.find(kRoute)->version, "v1beta1");
}

TEST(KubeObjectsTest, AWriteOfTheStatusChangesNothing) {
  KubeObjects objects;
  objects.put(Kind::kHttpRoute, route("5"));
  EXPECT_FALSE(objects.put(Kind::kHttpRoute, route("6")));
  EXPECT_EQ(objects.find(kRoute)->resource_version, "6");
  EXPECT_EQ(json::parse(objects.find(kRoute)->status).at("seen"), "6");
  EXPECT_TRUE(objects.put(Kind::kHttpRoute, route("7", "/basket")));
}

TEST(KubeObjectsTest, AnObjectMadeAnewIsAnother) {
  KubeObjects objects;
  objects.put(Kind::kHttpRoute, route("5"));
  json again = route("6");
  again["metadata"]["uid"] = "u2";
  EXPECT_TRUE(objects.put(Kind::kHttpRoute, again));
}

TEST(KubeObjectsTest, WhatIsDeletedIsGone) {
  KubeObjects objects;
  EXPECT_FALSE(objects.remove(kRoute));
  objects.put(Kind::kHttpRoute, route("5"));
  const auto change = objects.remove(kRoute);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->object, nullptr);
  EXPECT_EQ(objects.find(kRoute), nullptr);
}

TEST(KubeObjectsTest, AVersionThatCannotBeReadLeavesTheLastOneInForce) {
  KubeObjects objects;
  objects.put(Kind::kHttpRoute, route("5"));
  EXPECT_FALSE(objects.put(Kind::kHttpRoute, route("6", "no-slash")));
  ASSERT_EQ(objects.problems().size(), 1U);
  EXPECT_EQ(objects.problems()[0].object, "HTTPRoute/shop/cart");
  EXPECT_EQ(objects.problems()[0].field, "spec.rules[0].matches[0].path");
  // A write of its status does not make it good.
  json same = route("7", "no-slash");
  EXPECT_FALSE(objects.put(Kind::kHttpRoute, same));
  EXPECT_EQ(objects.problems().size(), 1U);
  EXPECT_TRUE(objects.put(Kind::kHttpRoute, route("8")));
  EXPECT_TRUE(objects.problems().empty());
}

TEST(KubeObjectsTest, CoreKindsComeWithoutTheirTypes) {
  KubeObjects objects;
  const json service = {{"metadata", {{"name", "cart"}, {"namespace", "shop"}}},
                        {"spec", {{"ports", {{{"port", 80}, {"protocol", "TCP"}}}}}}};
  const auto change = objects.put(Kind::kService, service);
  ASSERT_TRUE(change);
  EXPECT_NE(change->object, nullptr);
}

TEST(KubeObjectsTest, NonsenseIsNoObject) {
  KubeObjects objects;
  for (const json& nonsense : {json(7), json("text"), json::object(), json({{"metadata", 7}})}) {
    EXPECT_FALSE(objects.put(Kind::kGateway, nonsense)) << nonsense;
  }
}

}  // namespace
}  // namespace sluice::source
