#include "controller/kube/write.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace sluice::kube {
namespace {

const ObjectPlace kRoute = {{"gateway.networking.k8s.io/v1", "httproutes"}, "default", "web"};
const ObjectPlace kClass = {{"gateway.networking.k8s.io/v1", "gatewayclasses"}, "", "sluice"};
const std::string kRoutePath = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";

TEST(WriteTest, AStatusIsMergedIntoItsSubresource) {
  const Call call = merge_patch_status(kRoute, {{"status", {{"parents", {}}}}}, "sluice.dev/a b");
  EXPECT_EQ(call.request.method, "PATCH");
  EXPECT_EQ(call.request.path, kRoutePath + "/web/status?fieldManager=sluice.dev%2Fa%20b");
  EXPECT_EQ(call.request.content_type, "application/merge-patch+json");
  EXPECT_EQ(call.request.body, R"({"status":{"parents":null}})");
}

TEST(WriteTest, AnObjectOfNoNamespaceHasNoneInItsPath) {
  const Call call = merge_patch(kClass, {}, "m");
  EXPECT_EQ(call.request.path,
            "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice?fieldManager=m");
}

TEST(WriteTest, ApplyTakesFieldsOverOrRespectsTheirOwners) {
  const Call takes = apply(kRoute, {{"a", 1}}, "m", Ownership::kTakeOver);
  EXPECT_EQ(takes.request.path, kRoutePath + "/web?fieldManager=m&force=true");
  EXPECT_EQ(takes.request.content_type, "application/apply-patch+yaml");
  const Call respects = apply(kRoute, {{"a", 1}}, "m", Ownership::kRespect);
  EXPECT_EQ(respects.request.path, kRoutePath + "/web?fieldManager=m&force=false");
}

TEST(WriteTest, CreateGoesToTheCollection) {
  const Call call = create(kRoute, {{"kind", "HTTPRoute"}}, "m");
  EXPECT_EQ(call.request.method, "POST");
  EXPECT_EQ(call.request.path, kRoutePath + "?fieldManager=m");
  EXPECT_EQ(call.request.content_type, "application/json");
}

TEST(WriteTest, RemoveNamesTheObjectThatItMeans) {
  const Call call = remove(kRoute, "uid-1", "17");
  EXPECT_EQ(call.request.method, "DELETE");
  EXPECT_EQ(call.request.path, kRoutePath + "/web");
  const auto body = nlohmann::json::parse(call.request.body);
  EXPECT_EQ(body["preconditions"]["uid"], "uid-1");
  EXPECT_EQ(body["preconditions"]["resourceVersion"], "17");
  EXPECT_FALSE(
      nlohmann::json::parse(remove(kRoute, "", "").request.body).contains("preconditions"));
}

TEST(WriteTest, AllWritesOfAnObjectHaveOneKey) {
  const std::string key = kRoutePath + "/web";
  EXPECT_EQ(merge_patch(kRoute, {}, "m").key, key);
  EXPECT_EQ(merge_patch_status(kRoute, {}, "m").key, key);
  EXPECT_EQ(apply(kRoute, {}, "m", Ownership::kRespect).key, key);
  EXPECT_EQ(create(kRoute, {}, "m").key, key);
  EXPECT_EQ(remove(kRoute, "", "").key, key);
}

}  // namespace
}  // namespace sluice::kube
