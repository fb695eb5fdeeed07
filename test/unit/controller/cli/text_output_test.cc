// Tables, YAML and rows of objects, as people see them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "controller/cli/objects.h"
#include "controller/cli/text_table.h"
#include "controller/cli/yaml_text.h"
#include "controller/yaml/yaml_to_json.h"

namespace sluice::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

TEST(TextTableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(format_table({{"NAME", "STATE"}, {"a-long-name", "x"}, {"b", ""}}),
            "NAME          STATE\na-long-name   x\nb             <none>\n");
}

TEST(TextTableTest, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(format_table({{"\xc3\xa4", "x"}, {"b", "y"}}), "\xc3\xa4   x\nb   y\n");
}

TEST(YamlTextTest, BlocksAreIndentedAsKubectlDoes) {
  const json value = {
      {"kind", "X"}, {"list", {{{"a", 1}, {"b", {1, 2}}}, "s"}}, {"none", json::array()}};
  EXPECT_EQ(to_yaml(value), "kind: X\nlist:\n- a: 1\n  b:\n  - 1\n  - 2\n- s\nnone: []\n");
}

TEST(YamlTextTest, WhateverItPrintsReadsBackAsTheSameValue) {
  const json value = {
      {"words", {"yes",       "No",          "on",      "null",        "~",          "",    "1",
                 "1.5",       "0x1",         "-",       "a: b",        "# c",        "* d", "/x",
                 "tr\u00e4g", "line\nbreak", "quote\"", "back\\slash", "2024-01-01", "{",   "y"}},
      {"numbers", {0, -1, 1.5, 18446744073709551615ULL, true, false, nullptr}},
      {"key with space", {{"yes", 1}, {"1", 2}, {"a.b/c", 3}, {"", 4}}},
      {"deep", {{{{"a", {{"b", json::array({json::array({1})})}}}}}}},
      {"empty", {{"object", json::object()}, {"list", json::array()}}}};
  const auto parsed = yaml::parse_yaml(to_yaml(value));
  ASSERT_FALSE(parsed.error) << parsed.error->message << "\n" << to_yaml(value);
  EXPECT_EQ(parsed.json.dump(), value.dump()) << to_yaml(value);
}

const json kGateway = {
    {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
    {"spec", {{"gatewayClassName", "sluice"}, {"listeners", {{{"name", "http"}, {"port", 80}}}}}},
    {"status",
     {{"addresses", {{{"value", "10.0.0.1"}}, {{"value", "::1"}}}},
      {"conditions", {{{"type", "Programmed"}, {"status", "False"}, {"reason", "Pending"}}}},
      {"listeners", {{{"name", "http"}, {"attachedRoutes", 3}}}}}}};

TEST(ObjectRowsTest, GatewayShowsClassAddressAndWhyItIsNotProgrammed) {
  EXPECT_THAT(object_rows(model::Kind::kGateway, {kGateway}, {}),
              ElementsAre(ElementsAre("NAME", "CLASS", "ADDRESS", "PROGRAMMED"),
                          ElementsAre("web", "sluice", "10.0.0.1,::1", "False/Pending")));
}

TEST(ObjectRowsTest, WideAllNamespacesAndNoHeaders) {
  EXPECT_THAT(object_rows(model::Kind::kGateway, {kGateway}, {true, true, false}),
              ElementsAre(ElementsAre("shop", "web", "sluice", "10.0.0.1,::1", "False/Pending",
                                      "http:80", "3")));
}

TEST(ObjectRowsTest, RouteShowsTheWorstOfItsParents) {
  const auto parent = [](const char* status) {
    return json{{"conditions",
                 {{{"type", "Accepted"}, {"status", status}, {"reason", "NoMatchingParent"}}}}};
  };
  const json route = {{"metadata", {{"name", "r"}}},
                      {"spec", {{"hostnames", {"a.com", "b.com"}}}},
                      {"status", {{"parents", {parent("True"), parent("False"), parent("True")}}}}};
  EXPECT_THAT(object_rows(model::Kind::kHttpRoute, {route}, {false, false, false}),
              ElementsAre(ElementsAre("r", "a.com,b.com", "False/NoMatchingParent", "")));
}

TEST(ObjectRowsTest, RoutesWithoutHostnamesHaveNoColumnOfThem) {
  const json route = {{"metadata", {{"name", "r"}}}};
  for (const auto kind : {model::Kind::kTcpRoute, model::Kind::kUdpRoute}) {
    EXPECT_THAT(object_rows(kind, {route}, {false, false, true}).front(),
                ElementsAre("NAME", "ACCEPTED", "RESOLVEDREFS"));
  }
  EXPECT_THAT(object_rows(model::Kind::kTlsRoute, {route}, {false, false, true}).front(),
              ElementsAre("NAME", "HOSTNAMES", "ACCEPTED", "RESOLVEDREFS"));
}

TEST(ObjectRowsTest, ListenerSetsShowTheirParent) {
  const json set = {
      {"metadata", {{"name", "extra"}, {"namespace", "shop"}}},
      {"spec",
       {{"parentRef", {{"name", "web"}, {"namespace", "infra"}}},
        {"listeners", {{{"name", "http"}, {"port", 80}}, {{"name", "tls"}, {"port", 443}}}}}},
      {"status",
       {{"conditions",
         {{{"type", "Accepted"}, {"status", "True"}, {"reason", "Accepted"}},
          {{"type", "Programmed"}, {"status", "False"}, {"reason", "Pending"}}}},
        {"listeners", {{{"name", "http"}, {"attachedRoutes", 2}}, {{"attachedRoutes", 1}}}}}}};
  EXPECT_THAT(object_rows(model::Kind::kListenerSet, {set}, {true, true, false}),
              ElementsAre(ElementsAre("shop", "extra", "infra/web", "True", "False/Pending",
                                      "http:80,tls:443", "3")));
}

TEST(ObjectRowsTest, ObjectsOfAnyShapeGiveARow) {
  for (const auto kind :
       {model::Kind::kGatewayClass, model::Kind::kGateway, model::Kind::kListenerSet,
        model::Kind::kHttpRoute, model::Kind::kUdpRoute, model::Kind::kReferenceGrant,
        model::Kind::kService, model::Kind::kEndpointSlice, model::Kind::kNamespace,
        model::Kind::kSecret, model::Kind::kConfigMap, model::Kind::kBackend,
        model::Kind::kClusterTrustBundle}) {
    for (const json& odd : {json(nullptr), json(1), json{{"spec", 1}, {"status", "x"}},
                            json{{"spec", {{"ports", 1}, {"endpoints", {1, "x"}}}}}}) {
      EXPECT_EQ(object_rows(kind, {odd}, {true, true, true}).size(), 2U);
    }
  }
}

TEST(ObjectRowsTest, NamesCarryKindAndGroup) {
  EXPECT_EQ(resource_name(model::Kind::kGateway, kGateway),
            "gateway.gateway.networking.k8s.io/web");
  EXPECT_EQ(resource_name(model::Kind::kService, kGateway), "service/web");
}

TEST(ParseKindTest, UnknownKindNamesTheKnownOnes) {
  const auto kind = parse_kind("nonsense");
  ASSERT_FALSE(kind);
  EXPECT_THAT(kind.error().message, ::testing::HasSubstr("httproutes"));
}

}  // namespace
}  // namespace sluice::cli
