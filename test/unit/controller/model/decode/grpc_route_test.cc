#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRoute = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GRPCRoute", "metadata": {"name": "rpc"},
  "spec": {
    "parentRefs": [{"name": "gw"}],
    "hostnames": ["example.com"],
    "rules": [
      {"name": "first",
       "matches": [{"method": {"service": "foo.Bar", "method": "Get"},
                    "headers": [{"name": "x", "value": "1"}]}],
       "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["a"]}}],
       "backendRefs": [{"name": "rpc", "port": 80, "weight": 3, "filters": [
         {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "m", "port": 1}}}]}]}]
  }})";

const std::string kRule = "/spec/rules/0";
const std::string kMatch = "/spec/rules/0/matches/0";
const std::string kMethod = "/spec/rules/0/matches/0/method";
const std::string kFilter = "/spec/rules/0/filters/0";

GrpcRoute changed(const std::string& pointer, const std::string& value) {
  return decode_as<GrpcRoute>(with(kRoute, pointer, value));
}

TEST(GrpcRouteDecodeTest, EveryFieldIsKept) {
  const auto route = decode_as<GrpcRoute>(nlohmann::json::parse(kRoute));
  EXPECT_EQ(route.meta.name, (ObjectName{"default", "rpc"}));
  ASSERT_EQ(route.parent_refs.size(), 1U);
  EXPECT_EQ(route.parent_refs[0].kind, "Gateway");
  EXPECT_THAT(route.hostnames, ElementsAre("example.com"));
  ASSERT_EQ(route.rules.size(), 1U);
  const GrpcRouteRule& rule = route.rules[0];
  EXPECT_EQ(rule.name, "first");
  EXPECT_EQ(rule.matches,
            (std::vector<GrpcRouteMatch>{{{false, "foo.Bar", "Get"}, {{false, "x", "1"}}}}));
  EXPECT_THAT(rule.filters, ElementsAre(HttpFilter(RequestHeaderModifier{{{}, {}, {"a"}}})));
  const BackendRef backend{"", "Service", "rpc", std::nullopt, 80, 3};
  const BackendRef mirrored{"", "Service", "m", std::nullopt, 1};
  EXPECT_EQ(rule.backend_refs,
            (std::vector<HttpBackendRef>{{backend, {RequestMirror{.backend = mirrored}}}}));
  EXPECT_THAT(route.unserved, IsEmpty());
}

TEST(GrpcRouteDecodeTest, ARuleWithoutMatchesMatchesEveryCall) {
  for (const std::string rule : {"{}", R"({"matches": []})", R"({"matches": [{}]})"}) {
    const GrpcRoute route = changed(kRule, rule);
    EXPECT_EQ(route.rules[0].matches, (std::vector<GrpcRouteMatch>{GrpcRouteMatch{}})) << rule;
  }
}

// Other than an HTTPRoute, which has a rule by default.
TEST(GrpcRouteDecodeTest, ARouteWithoutRulesMatchesNothing) {
  EXPECT_THAT(changed("/spec/rules", "").rules, IsEmpty());
  EXPECT_THAT(changed("/spec/rules", "[]").rules, IsEmpty());
}

TEST(GrpcRouteDecodeTest, APatternMayBeAnythingAndAPartMayBeMissing) {
  const GrpcRoute route =
      changed(kMatch + "/method", R"({"type": "RegularExpression", "service": "a b|c"})");
  EXPECT_EQ(route.rules[0].matches[0].method, (GrpcMethodMatch{true, "a b|c", ""}));
}

TEST(GrpcRouteDecodeTest, AnExtensionIsNotServed) {
  const GrpcRoute route = changed(kFilter, R"({"type": "ExtensionRef",
      "extensionRef": {"group": "a.b", "kind": "K", "name": "n"}})");
  EXPECT_THAT(route.unserved,
              ElementsAre(testing::StartsWith("spec.rules[0].filters[0].extensionRef: a.b/K")));
}

TEST(GrpcRouteDecodeTest, FieldsOfHttpRoutesAreUnknown) {
  const Decoded decoded = decode_json(with(kRoute, kRule + "/timeouts", R"({"request": "1s"})"));
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.rules[0].timeouts"));
}

class GrpcServiceTest : public testing::TestWithParam<std::string> {};

TEST_P(GrpcServiceTest, IsAccepted) {
  expect_accepted(kRoute, {"", kMethod + "/service", "\"" + GetParam() + "\""});
}

INSTANTIATE_TEST_SUITE_P(Names, GrpcServiceTest,
                         testing::Values("foo", "_", ".foo", "foo.Bar", "a1._2.C_3"));

class GrpcRouteRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(GrpcRouteRefusalTest, IsRefused) {
  expect_refused(kRoute, GetParam());
}

const std::string kMethodField = "spec.rules[0].matches[0].method";

INSTANTIATE_TEST_SUITE_P(
    Match, GrpcRouteRefusalTest,
    testing::Values(Refusal{"WithoutServiceAndMethod", kMethod, "{}", kMethodField,
                            "found neither"},
                    Refusal{"WithUnknownType", kMethod + "/type", R"("Prefix")",
                            kMethodField + ".type", "\"Exact\" and \"RegularExpression\""},
                    Refusal{"WithEmptyService", kMethod + "/service", R"("")",
                            kMethodField + ".service", "found \"\""},
                    Refusal{"WithSlash", kMethod + "/service", R"("foo/Bar")",
                            kMethodField + ".service", "found \"foo/Bar\""},
                    Refusal{"WithDotAtEnd", kMethod + "/service", R"("foo.")",
                            kMethodField + ".service", "found \"foo.\""},
                    Refusal{"WithTwoDots", kMethod + "/service", R"("foo..Bar")",
                            kMethodField + ".service", "found \"foo..Bar\""},
                    Refusal{"WithDigitFirst", kMethod + "/service", R"("1a")",
                            kMethodField + ".service", "found \"1a\""},
                    Refusal{"WithDotInMethod", kMethod + "/method", R"("Get.It")",
                            kMethodField + ".method", "found \"Get.It\""},
                    Refusal{"WithEmptyMethod", kMethod + "/method", R"("")",
                            kMethodField + ".method", "found \"\""},
                    Refusal{"WithTooLongMethod", kMethod,
                            R"({"type": "RegularExpression", "method": )" + quoted(1025) + "}",
                            kMethodField + ".method", "found 1025 characters"},
                    Refusal{"WithHeaderTwice", kMatch + "/headers",
                            R"([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])",
                            "spec.rules[0].matches[0].headers[1]", "found \"a\" again"},
                    Refusal{"WithTooManyMatches", kRule + "/matches", repeat(65, "{}"),
                            "spec.rules[0].matches", "found 65 items"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Rules, GrpcRouteRefusalTest,
    testing::Values(Refusal{"TooMany", "/spec/rules", repeat(17, R"({"name": "r#"})"), "spec.rules",
                            "found 17 items"},
                    Refusal{"TooManyMatchesTogether", "/spec/rules",
                            repeat(3, R"({"matches": )" + repeat(43, "{}") + "}"), "spec.rules",
                            "found 129 matches"},
                    Refusal{"WithOneName", "/spec/rules", R"([{"name": "a"}, {"name": "a"}])",
                            "spec.rules", "both named \"a\""},
                    Refusal{"WithABackendWithoutPort", kRule + "/backendRefs", R"([{"name": "a"}])",
                            "spec.rules[0].backendRefs[0]", "port is missing"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Filters, GrpcRouteRefusalTest,
    testing::Values(
        Refusal{"OfHttpRoutesOnly", kFilter, R"({"type": "CORS"})", "spec.rules[0].filters[0].type",
                "found \"CORS\""},
        Refusal{"WithoutTheirField", kFilter, R"({"type": "RequestMirror"})",
                "spec.rules[0].filters[0]", "requestMirror must be specified"},
        Refusal{"WithAForeignField", kFilter,
                R"({"type": "ResponseHeaderModifier", "responseHeaderModifier": {},
                    "requestHeaderModifier": {}})",
                "spec.rules[0].filters[0]", "found requestHeaderModifier"},
        Refusal{"Repeated", kRule + "/filters",
                repeat(2, R"({"type": "ResponseHeaderModifier", "responseHeaderModifier": {}})"),
                "spec.rules[0].filters", "found 2 ResponseHeaderModifier filters"}),
    name_of);

}  // namespace
}  // namespace sluice::model
