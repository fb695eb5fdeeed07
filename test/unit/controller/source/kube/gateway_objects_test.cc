#include "controller/source/kube/gateway_objects.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::source {
namespace {

using model::Kind;
using nlohmann::json;

constexpr const char* kController = "sluice.dev/gateway-controller";

json gateway(const std::string& name, const json& infrastructure = nullptr) {
  json object = {
      {"apiVersion", "gateway.networking.k8s.io/v1"},
      {"kind", "Gateway"},
      {"metadata",
       {{"name", name}, {"namespace", "shop"}, {"uid", "0f8fad5b-d9cb-469f-a165-70867728950e"}}},
      {"spec", json::object()}};
  if (!infrastructure.is_null()) object["spec"]["infrastructure"] = infrastructure;
  return object;
}

json service_of(const json& object) {
  const auto objects = gateway_objects(object, {kController, {}});
  EXPECT_EQ(objects.size(), 1U);
  return objects.begin()->second;
}

TEST(GatewayObjectsTest, AServiceIsHeadlessAndGoesWithItsGateway) {
  const auto objects = gateway_objects(gateway("web"), {kController, {}});
  ASSERT_EQ(objects.size(), 1U);
  const auto& [key, service] = *objects.begin();
  EXPECT_EQ(key, (model::ObjectKey{Kind::kService, {"shop", "web-0f8fad5b"}}));
  EXPECT_EQ(service["metadata"]["name"], "web-0f8fad5b");
  EXPECT_EQ(service["metadata"]["namespace"], "shop");
  EXPECT_EQ(service["metadata"]["labels"],
            (json{{"gateway.networking.k8s.io/gateway-name", "web"}}));
  EXPECT_EQ(service["metadata"]["ownerReferences"],
            json::array({{{"apiVersion", "gateway.networking.k8s.io/v1"},
                          {"kind", "Gateway"},
                          {"name", "web"},
                          {"uid", "0f8fad5b-d9cb-469f-a165-70867728950e"}}}));
  EXPECT_EQ(service["spec"]["clusterIP"], "None");
  EXPECT_FALSE(service["spec"].contains("selector"));
  EXPECT_TRUE(is_made_by(service, kController));
  EXPECT_FALSE(is_made_by(service, "example.com/other"));
}

TEST(GatewayObjectsTest, MetadataOfTheInfrastructureIsCopied) {
  const json service = service_of(gateway(
      "web", {{"labels", {{"team", "a"}, {"gateway.networking.k8s.io/gateway-name", "lie"}}},
              {"annotations", {{"note", "for the load balancer"}}}}));
  EXPECT_EQ(service["metadata"]["labels"],
            (json{{"team", "a"}, {"gateway.networking.k8s.io/gateway-name", "web"}}));
  EXPECT_EQ(service["metadata"]["annotations"]["note"], "for the load balancer");
}

TEST(GatewayObjectsTest, TheLongestNameFitsLabelsAndNames) {
  const json service = service_of(gateway(std::string(253, 'a')));
  EXPECT_EQ(service["metadata"]["name"].get<std::string>().size(), 63U);
  const auto label =
      service["metadata"]["labels"]["gateway.networking.k8s.io/gateway-name"].get<std::string>();
  EXPECT_EQ(label.size(), 63U);
  EXPECT_EQ(service["metadata"]["ownerReferences"][0]["name"], std::string(253, 'a'));
}

TEST(GatewayObjectsTest, AClusterIpLeadsToWhereTheGatewayListens) {
  json object = gateway("web");
  object["spec"]["addresses"] = {{{"type", "IPAddress"}},
                                 {{"type", "IPAddress"}, {"routability", "Cluster"}},
                                 {{"value", "fd00::10"}, {"routability", "Cluster"}}};
  object["spec"]["listeners"] = {{{"name", "a"}, {"port", 80}, {"protocol", "HTTP"}},
                                 {{"name", "b"}, {"port", 443}, {"protocol", "HTTPS"}},
                                 {{"name", "c"}, {"port", 443}, {"protocol", "HTTPS"}}};
  const auto objects = gateway_objects(object, {kController, {"10.9.0.1", "fd09::1"}, 8000});
  ASSERT_EQ(objects.size(), 5U);
  const json& first = objects.at({Kind::kService, {"shop", "cluster-0-web-0f8fad5b"}});
  EXPECT_FALSE(first["spec"].contains("clusterIP"));
  EXPECT_EQ(first["spec"]["ipFamilies"], json::array({"IPv4"}));
  EXPECT_EQ(first["spec"]["ports"].size(), 2U);
  EXPECT_EQ(first["spec"]["ports"][0]["port"], 443);
  const json& slice = objects.at({Kind::kEndpointSlice, {"shop", "cluster-0-web-0f8fad5b"}});
  EXPECT_EQ(slice["apiVersion"], "discovery.k8s.io/v1");
  EXPECT_EQ(slice["metadata"]["labels"]["kubernetes.io/service-name"], "cluster-0-web-0f8fad5b");
  EXPECT_EQ(slice["endpoints"][0]["addresses"], json::array({"10.9.0.1"}));
  EXPECT_EQ(slice["ports"][0]["port"], 8443);
  EXPECT_EQ(slice["ports"][0]["name"], first["spec"]["ports"][0]["name"]);
  const json& second = objects.at({Kind::kService, {"shop", "cluster-1-web-0f8fad5b"}});
  EXPECT_EQ(second["spec"]["clusterIP"], "fd00::10");
  EXPECT_EQ(objects.at({Kind::kEndpointSlice, {"shop", "cluster-1-web-0f8fad5b"}})["addressType"],
            "IPv6");
}

TEST(GatewayObjectsTest, AClusterIpThatWouldLeadNowhereIsNotMade) {
  json object = gateway("web");
  object["spec"]["addresses"] = {{{"value", "fd00::10"}, {"routability", "Cluster"}}};
  EXPECT_EQ(gateway_objects(object, {kController, {"10.9.0.1"}}).size(), 1U);
  EXPECT_EQ(gateway_objects(object, {kController, {}}).size(), 1U);
}

TEST(GatewayObjectsTest, WhatOthersAddIsNoDifference) {
  const json wanted = service_of(gateway("web", {{"labels", {{"team", "a"}}}}));
  json object = wanted;
  object["metadata"]["labels"]["foreign"] = "yes";
  object["metadata"]["ownerReferences"].insert(object["metadata"]["ownerReferences"].begin(),
                                               {{"kind", "Other"}, {"uid", "1"}});
  object["spec"]["ipFamilies"] = {"IPv4"};
  EXPECT_TRUE(says(object, wanted));
}

TEST(GatewayObjectsTest, AnotherValueOfOursIsADifference) {
  const json wanted = service_of(gateway("web", {{"labels", {{"team", "a"}}}}));
  json object = wanted;
  object["metadata"]["labels"]["team"] = "b";
  EXPECT_FALSE(says(object, wanted));
  object["metadata"]["labels"].erase("team");
  EXPECT_FALSE(says(object, wanted));
  object = wanted;
  object["metadata"]["ownerReferences"] = json::array();
  EXPECT_FALSE(says(object, wanted));
  EXPECT_FALSE(says(nullptr, wanted));
}

TEST(GatewayObjectsTest, ALabelThatIsNotAskedForAnyMoreIsADifference) {
  const json before = service_of(gateway("web", {{"labels", {{"team", "a"}}}}));
  const json wanted = service_of(gateway("web"));
  EXPECT_FALSE(says(before, wanted));
}

}  // namespace
}  // namespace sluice::source
