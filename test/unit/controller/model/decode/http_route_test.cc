#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRoute = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
  "spec": {
    "parentRefs": [{"name": "gw"}],
    "hostnames": ["example.com", "*.example.com"],
    "rules": [
      {"name": "first",
       "matches": [{"path": {"type": "Exact", "value": "/a"}, "method": "GET",
                    "headers": [{"name": "x", "value": "1"}],
                    "queryParams": [{"name": "q", "value": "2", "type": "RegularExpression"}]}],
       "backendRefs": [{"name": "web", "port": 80}]}]}})";

HttpRoute changed(const std::string& pointer, const std::string& value) {
  return decode_as<HttpRoute>(with(kRoute, pointer, value));
}

TEST(HttpRouteDecodeTest, RouteWithoutRulesMatchesEveryPath) {
  const HttpRoute route = changed("/spec", "{}");
  ASSERT_EQ(route.rules.size(), 1U);
  EXPECT_EQ(route.rules[0].matches, (std::vector<HttpRouteMatch>{HttpRouteMatch{}}));
  EXPECT_EQ(route.rules[0].matches[0].path, (PathMatch{PathMatchType::kPathPrefix, "/"}));
  EXPECT_THAT(route.rules[0].backend_refs, IsEmpty());
  EXPECT_THAT(route.unserved, IsEmpty());
  EXPECT_EQ(changed("/spec/rules", "null").rules, route.rules);
}

TEST(HttpRouteDecodeTest, RuleWithoutMatchesMatchesEveryPath) {
  for (const char* rule : {"{}", R"({"matches": null})", R"({"matches": []})",
                           R"({"matches": [{}]})", R"({"matches": [{"path": {}}]})"}) {
    const HttpRoute route = changed("/spec/rules/0", rule);
    EXPECT_EQ(route.rules[0].matches, (std::vector<HttpRouteMatch>{HttpRouteMatch{}})) << rule;
  }
}

TEST(HttpRouteDecodeTest, MatchWithoutPathMatchesEveryPath) {
  const HttpRoute route = changed("/spec/rules/0/matches", R"([{"method": "PUT"}])");
  EXPECT_EQ(route.rules[0].matches[0].path, PathMatch{});
  EXPECT_EQ(route.rules[0].matches[0].method, "PUT");
}

TEST(HttpRouteDecodeTest, PathWithoutTypeIsAPrefixAndWithoutValueTheRoot) {
  EXPECT_EQ(changed("/spec/rules/0/matches/0/path", R"({"value": "/x"})").rules[0].matches[0].path,
            (PathMatch{PathMatchType::kPathPrefix, "/x"}));
  EXPECT_EQ(
      changed("/spec/rules/0/matches/0/path", R"({"type": "Exact"})").rules[0].matches[0].path,
      (PathMatch{PathMatchType::kExact, "/"}));
}

TEST(HttpRouteDecodeTest, WrittenMatchIsKept) {
  const auto route = decode_as<HttpRoute>(nlohmann::json::parse(kRoute));
  EXPECT_EQ(route.rules[0].name, "first");
  const HttpRouteMatch& match = route.rules[0].matches[0];
  EXPECT_EQ(match.path, (PathMatch{PathMatchType::kExact, "/a"}));
  EXPECT_EQ(match.method, "GET");
  EXPECT_EQ(match.headers, (std::vector<NameMatch>{{false, "x", "1"}}));
  EXPECT_EQ(match.query_params, (std::vector<NameMatch>{{true, "q", "2"}}));
  EXPECT_THAT(route.hostnames, ElementsAre("example.com", "*.example.com"));
}

TEST(HttpRouteDecodeTest, ParentIsAGatewayUnlessItSaysOtherwise) {
  const auto route = decode_as<HttpRoute>(nlohmann::json::parse(kRoute));
  EXPECT_EQ(route.parent_refs, (std::vector<ParentRef>{{.group = "gateway.networking.k8s.io",
                                                        .kind = "Gateway",
                                                        .ns = std::nullopt,
                                                        .name = "gw",
                                                        .section_name = std::nullopt,
                                                        .port = std::nullopt}}));
  const HttpRoute other = changed("/spec/parentRefs/0", R"({"group": "", "kind": "Service",
      "name": "s", "namespace": "n", "sectionName": "a", "port": 81})");
  EXPECT_EQ(other.parent_refs, (std::vector<ParentRef>{{"", "Service", "n", "s", "a", 81}}));
}

TEST(HttpRouteDecodeTest, BackendIsAServiceOfWeightOneUnlessItSaysOtherwise) {
  const HttpRoute route = changed("/spec/rules/0/backendRefs", R"([
      {"name": "web", "port": 80}, {"name": "web", "port": 80, "weight": 0},
      {"group": "sluice.dev", "kind": "Backend", "name": "b", "namespace": "n",
       "weight": 1000000}])");
  EXPECT_EQ(
      route.rules[0].backend_refs,
      (std::vector<HttpBackendRef>{{{"", "Service", "web", std::nullopt, 80, 1}},
                                   {{"", "Service", "web", std::nullopt, 80, 0}},
                                   {{"sluice.dev", "Backend", "b", "n", std::nullopt, 1000000}}}));
}

TEST(HttpRouteDecodeTest, TimeoutsAreMillisecondsAndZeroIsNotTheSameAsNone) {
  const HttpRoute route = changed("/spec/rules", R"([
      {"timeouts": {"request": "1m1s", "backendRequest": "500ms"}},
      {"timeouts": {"request": "0s", "backendRequest": "1h"}}, {}])");
  EXPECT_EQ(route.rules[0].timeouts, (RouteTimeouts{61'000, 500}));
  EXPECT_EQ(route.rules[1].timeouts, (RouteTimeouts{0, 3'600'000}));
  EXPECT_EQ(route.rules[2].timeouts, RouteTimeouts{});
}

TEST(HttpRouteDecodeTest, ARetryIsOneAttemptUnlessItSaysOtherwise) {
  const HttpRoute route = changed("/spec/rules", R"([
      {"retry": {}}, {"retry": {"attempts": 0, "codes": [503, 400], "backoff": "100ms"}}, {}])");
  EXPECT_EQ(route.rules[0].retry, (RouteRetry{1, std::nullopt, {}}));
  EXPECT_EQ(route.rules[1].retry, (RouteRetry{0, 100, {503, 400}}));
  EXPECT_EQ(route.rules[2].retry, std::nullopt);
}

TEST(HttpRouteDecodeTest, FieldOfTheExperimentalChannelIsUnknown) {
  const Decoded decoded =
      decode_json(with(kRoute, "/spec/rules/0/sessionPersistence", R"({"sessionName": "s"})"));
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.rules[0].sessionPersistence"));
}

class HttpRouteAcceptanceTest : public testing::TestWithParam<Acceptance> {};

TEST_P(HttpRouteAcceptanceTest, IsAccepted) {
  expect_accepted(kRoute, GetParam());
}

const std::string kRule = "/spec/rules/0";
const std::string kMatch = "/spec/rules/0/matches/0";
const std::string kBackend = "/spec/rules/0/backendRefs/0";

INSTANTIATE_TEST_SUITE_P(
    Crd, HttpRouteAcceptanceTest,
    testing::Values(
        Acceptance{"PathThatEndsInASlash", kMatch + "/path/value", R"("/a/")"},
        Acceptance{"PathWithEscapes", kMatch + "/path/value", R"("/a%20b/~!$&'()*+,;=:@")"},
        Acceptance{"DotsInsideASegment", kMatch + "/path/value", R"("/..a/b..")"},
        Acceptance{"AnyTextAsARegularExpression", kMatch + "/path",
                   R"({"type": "RegularExpression", "value": "//[a-z#]+%2f"})"},
        Acceptance{"PathOfTheLongestLength", kMatch + "/path/value",
                   '"' + std::string("/") + std::string(1023, 'a') + '"'},
        Acceptance{"HeaderNamesThatDifferInCase", kMatch + "/headers",
                   R"([{"name": "x", "value": "1"}, {"name": "X", "value": "1"}])"},
        Acceptance{"SameParentWithDifferentSections", "/spec/parentRefs",
                   R"([{"name": "gw", "sectionName": "a"}, {"name": "gw", "sectionName": "b"}])"},
        Acceptance{"SameNameInDifferentNamespaces", "/spec/parentRefs",
                   R"([{"name": "gw"}, {"name": "gw", "namespace": "default"}])"},
        Acceptance{
            "ManyMatchesInAll", "/spec/rules",
            R"([{"matches": )" + repeat(64, "{}") + R"(}, {"matches": )" + repeat(64, "{}") + "}]"},
        Acceptance{"BackendOfAnotherKindWithoutPort", kBackend,
                   R"({"group": "sluice.dev", "kind": "Backend", "name": "b"})"},
        Acceptance{"RedirectWithoutBackends", kRule,
                   R"({"filters": [{"type": "RequestRedirect", "requestRedirect": {}}]})"},
        Acceptance{"PrefixReplacedInAPrefixMatch", kRule,
                   R"({"matches": [{"path": {"value": "/a"}}], "filters": [
                       {"type": "URLRewrite", "urlRewrite":
                        {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}}}]})"},
        Acceptance{"RepeatedMirrors", kRule + "/filters", R"([
            {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "a", "port": 1}}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "b", "port": 1},
                                                        "fraction": {"numerator": 100}}}])"},
        Acceptance{"ExtensionRef", kRule + "/filters", R"([{"type": "ExtensionRef",
            "extensionRef": {"group": "example.com", "kind": "Foo", "name": "bar"}}])"},
        Acceptance{"CorsWithAllFields", kRule + "/filters", R"([{"type": "CORS", "cors": {
            "allowOrigins": ["https://*.example.com", "http://a:8080"], "allowMethods": ["GET"],
            "allowHeaders": ["x-a"], "exposeHeaders": ["*"], "maxAge": 10,
            "allowCredentials": true}}])"},
        Acceptance{"UnlimitedRequestTimeout", kRule + "/timeouts",
                   R"({"request": "0s", "backendRequest": "10s"})"},
        Acceptance{"NoRetryAttempts", kRule + "/retry", R"({"attempts": 0})"},
        Acceptance{"EmptyParentRefs", "/spec/parentRefs", "[]"}),
    accepted_name_of);

class HttpRouteRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(HttpRouteRefusalTest, IsRefused) {
  expect_refused(kRoute, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Spec, HttpRouteRefusalTest,
    testing::Values(Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
                    Refusal{"WithTooManyHostnames", "/spec/hostnames", repeat(17, R"("h#")"),
                            "spec.hostnames", "found 17 items; valid are 0 to 16"},
                    Refusal{"WithNullHostnames", "/spec/hostnames", "null", "spec.hostnames",
                            "found null; valid is a list"},
                    Refusal{"WithHostnameInsteadOfAList", "/spec/hostnames", R"("example.com")",
                            "spec.hostnames", "found the text \"example.com\"; valid is a list"},
                    Refusal{"WithBadHostname", "/spec/hostnames/1", R"("foo.*.com")",
                            "spec.hostnames[1]", "found \"foo.*.com\""},
                    Refusal{"WithHostnameWithAPort", "/spec/hostnames/1", R"("example.com:80")",
                            "spec.hostnames[1]", "found \"example.com:80\""},
                    Refusal{"WithHostnameThatIsAnAddress", "/spec/hostnames/1", R"("192.168.0.1")",
                            "spec.hostnames[1]", "no IP address"},
                    Refusal{"WithEmptyHostname", "/spec/hostnames/1", R"("")", "spec.hostnames[1]",
                            "found 0 characters"},
                    Refusal{"WithTooLongHostname", "/spec/hostnames/1", quoted(254),
                            "spec.hostnames[1]", "found 254 characters"},
                    Refusal{"WithoutAnyRule", "/spec/rules", "[]", "spec.rules",
                            "found 0 items; valid are 1 to 16"},
                    Refusal{"WithTooManyRules", "/spec/rules", repeat(17, "{}"), "spec.rules",
                            "found 17 items"},
                    Refusal{"WithRuleThatIsNone", kRule, "7", "spec.rules[0]",
                            "found the number 7; valid is a mapping"},
                    Refusal{"WithTheSameRuleNameTwice", "/spec/rules",
                            R"([{"name": "a"}, {"name": "a"}])", "spec.rules",
                            "rules[0] and rules[1] are both named \"a\""},
                    Refusal{"WithBadRuleName", kRule + "/name", R"("First")", "spec.rules[0].name",
                            "found \"First\""},
                    Refusal{"WithEmptyRuleName", kRule + "/name", R"("")", "spec.rules[0].name",
                            "found 0 characters"},
                    Refusal{"WithTooManyMatchesInARule", kRule + "/matches", repeat(65, "{}"),
                            "spec.rules[0].matches", "found 65 items; valid are 0 to 64"},
                    Refusal{"WithTooManyMatchesInAll", "/spec/rules",
                            R"([{"matches": )" + repeat(64, "{}") + R"(}, {"matches": )" +
                                repeat(64, "{}") + "}, {}]",
                            "spec.rules", "found 129 matches in all rules together"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    ParentRef, HttpRouteRefusalTest,
    testing::Values(
        Refusal{"TooMany", "/spec/parentRefs", repeat(33, R"({"name": "g#"})"), "spec.parentRefs",
                "found 33 items; valid are 0 to 32"},
        Refusal{"WithoutName", "/spec/parentRefs/0", "{}", "spec.parentRefs[0].name", "missing"},
        Refusal{"WithBadGroup", "/spec/parentRefs/0/group", R"("a..b")", "spec.parentRefs[0].group",
                "found \"a..b\""},
        Refusal{"WithBadKind", "/spec/parentRefs/0/kind", R"("Gate way")",
                "spec.parentRefs[0].kind", "found \"Gate way\""},
        Refusal{"WithBadNamespace", "/spec/parentRefs/0/namespace", R"("Infra")",
                "spec.parentRefs[0].namespace", "found \"Infra\""},
        Refusal{"WithBadSectionName", "/spec/parentRefs/0/sectionName", R"("_")",
                "spec.parentRefs[0].sectionName", "found \"_\""},
        Refusal{"WithBadPort", "/spec/parentRefs/0/port", "0", "spec.parentRefs[0].port",
                "valid are 1 to 65535"},
        Refusal{"TwiceWithoutSections", "/spec/parentRefs", R"([{"name": "g"}, {"name": "g"}])",
                "spec.parentRefs", "valid are different sectionNames"},
        Refusal{"TwiceWithTheSameSection", "/spec/parentRefs",
                R"([{"name": "g", "sectionName": "a"}, {"name": "g", "sectionName": "a"}])",
                "spec.parentRefs", "\"g\" and sectionName \"a\""},
        Refusal{"TwiceWithOneSection", "/spec/parentRefs",
                R"([{"name": "g", "sectionName": "a"}, {"name": "g"}])", "spec.parentRefs",
                "valid is a sectionName in each of them"},
        Refusal{"TwiceWithDifferentPortsOnly", "/spec/parentRefs",
                R"([{"name": "g", "port": 80}, {"name": "g", "port": 81}])", "spec.parentRefs",
                "parentRefs[0] and parentRefs[1] name the same parent"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Path, HttpRouteRefusalTest,
    testing::Values(Refusal{"OfUnknownType", kMatch + "/path/type", R"("Prefix")",
                            "spec.rules[0].matches[0].path.type",
                            "valid are \"Exact\", \"PathPrefix\" and \"RegularExpression\""},
                    Refusal{"TooLong", kMatch + "/path/value",
                            '"' + std::string("/") + std::string(1024, 'a') + '"',
                            "spec.rules[0].matches[0].path.value", "found 1025 characters"},
                    Refusal{"ThatIsNoText", kMatch + "/path/value", "[]",
                            "spec.rules[0].matches[0].path.value", "found a list; valid is text"},
                    Refusal{"WithoutSlashAtItsStart", kMatch + "/path/value", R"("a")",
                            "spec.rules[0].matches[0].path", "starts with \"/\""},
                    Refusal{"Empty", kMatch + "/path/value", R"("")",
                            "spec.rules[0].matches[0].path", "starts with \"/\""},
                    Refusal{"WithDoubleSlash", kMatch + "/path/value", R"("/a//b")",
                            "spec.rules[0].matches[0].path", "must not contain \"//\""},
                    Refusal{"WithDotSegment", kMatch + "/path/value", R"("/a/./b")",
                            "spec.rules[0].matches[0].path", "must not contain \"/./\""},
                    Refusal{"WithDotDotSegment", kMatch + "/path/value", R"("/a/../b")",
                            "spec.rules[0].matches[0].path", "must not contain \"/../\""},
                    Refusal{"WithEscapedSlash", kMatch + "/path/value", R"("/a%2fb")",
                            "spec.rules[0].matches[0].path", "must not contain \"%2f\""},
                    Refusal{"WithEscapedSlashInUpperCase", kMatch + "/path/value", R"("/a%2Fb")",
                            "spec.rules[0].matches[0].path", "must not contain \"%2F\""},
                    Refusal{"WithHash", kMatch + "/path/value", R"("/a#b")",
                            "spec.rules[0].matches[0].path", "must not contain \"#\""},
                    Refusal{"ThatEndsInDotDot", kMatch + "/path/value", R"("/a/..")",
                            "spec.rules[0].matches[0].path", "must not end with \"/..\""},
                    Refusal{"ThatEndsInADot", kMatch + "/path/value", R"("/a/.")",
                            "spec.rules[0].matches[0].path", "must not end with \"/.\""},
                    Refusal{"WithASpace", kMatch + "/path/value", R"("/a b")",
                            "spec.rules[0].matches[0].path", "valid are letters, digits"},
                    Refusal{"WithABrokenEscape", kMatch + "/path/value", R"("/a%2")",
                            "spec.rules[0].matches[0].path", "escapes such as %20"},
                    Refusal{"WithAQuery", kMatch + "/path",
                            R"({"type": "PathPrefix", "value": "/a?b"})",
                            "spec.rules[0].matches[0].path", "found \"/a?b\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Match, HttpRouteRefusalTest,
    testing::Values(
        Refusal{"WithUnknownMethod", kMatch + "/method", R"("get")",
                "spec.rules[0].matches[0].method", "\"OPTIONS\", \"TRACE\" and \"PATCH\""},
        Refusal{"WithTooManyHeaders", kMatch + "/headers",
                repeat(17, R"({"name": "h#", "value": "v"})"), "spec.rules[0].matches[0].headers",
                "found 17 items; valid are 0 to 16"},
        Refusal{"WithHeaderTwice", kMatch + "/headers",
                R"([{"name": "x", "value": "1"}, {"name": "x", "value": "2"}])",
                "spec.rules[0].matches[0].headers[1]", "found \"x\" again"},
        Refusal{"WithHeaderWithoutName", kMatch + "/headers/0/name", "",
                "spec.rules[0].matches[0].headers[0].name", "missing"},
        Refusal{"WithEmptyHeaderName", kMatch + "/headers/0/name", R"("")",
                "spec.rules[0].matches[0].headers[0].name", "found 0 characters"},
        Refusal{"WithBadHeaderName", kMatch + "/headers/0/name", R"(":authority")",
                "spec.rules[0].matches[0].headers[0].name", "found \":authority\""},
        Refusal{"WithTooLongHeaderName", kMatch + "/headers/0/name", quoted(257),
                "spec.rules[0].matches[0].headers[0].name", "found 257 characters"},
        Refusal{"WithHeaderWithoutValue", kMatch + "/headers/0/value", "",
                "spec.rules[0].matches[0].headers[0].value", "missing"},
        Refusal{"WithEmptyHeaderValue", kMatch + "/headers/0/value", R"("")",
                "spec.rules[0].matches[0].headers[0].value", "valid are 1 to 4096"},
        Refusal{"WithTooLongHeaderValue", kMatch + "/headers/0/value", quoted(4097),
                "spec.rules[0].matches[0].headers[0].value", "found 4097 characters"},
        Refusal{"WithHeaderValueThatIsNoText", kMatch + "/headers/0/value", "1",
                "spec.rules[0].matches[0].headers[0].value", "found the number 1; valid is text"},
        Refusal{"WithUnknownHeaderMatchType", kMatch + "/headers/0/type", R"("Prefix")",
                "spec.rules[0].matches[0].headers[0].type",
                "valid are \"Exact\" and \"RegularExpression\""},
        Refusal{"WithTooManyQueryParams", kMatch + "/queryParams",
                repeat(17, R"({"name": "q#", "value": "v"})"),
                "spec.rules[0].matches[0].queryParams", "found 17 items"},
        Refusal{"WithQueryParamTwice", kMatch + "/queryParams",
                R"([{"name": "q", "value": "1"}, {"name": "q", "value": "2"}])",
                "spec.rules[0].matches[0].queryParams[1]", "found \"q\" again"},
        Refusal{"WithBadQueryParamName", kMatch + "/queryParams/0/name", R"("a b")",
                "spec.rules[0].matches[0].queryParams[0].name", "found \"a b\""},
        Refusal{"WithTooLongQueryParamValue", kMatch + "/queryParams/0/value", quoted(1025),
                "spec.rules[0].matches[0].queryParams[0].value", "valid are 1 to 1024"},
        Refusal{"WithUnknownQueryMatchType", kMatch + "/queryParams/0/type", R"("exact")",
                "spec.rules[0].matches[0].queryParams[0].type", "\"Exact\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    BackendRef, HttpRouteRefusalTest,
    testing::Values(Refusal{"TooMany", kRule + "/backendRefs",
                            repeat(17, R"({"name": "b#", "port": 80})"),
                            "spec.rules[0].backendRefs", "found 17 items; valid are 0 to 16"},
                    Refusal{"WithoutName", kBackend + "/name", "",
                            "spec.rules[0].backendRefs[0].name", "missing"},
                    Refusal{"WithoutPortOfAService", kBackend + "/port", "",
                            "spec.rules[0].backendRefs[0]", "port is missing"},
                    Refusal{"WithBadPort", kBackend + "/port", "65536",
                            "spec.rules[0].backendRefs[0].port", "valid are 1 to 65535"},
                    Refusal{"WithBadGroup", kBackend + "/group", R"("*")",
                            "spec.rules[0].backendRefs[0].group", "found \"*\""},
                    Refusal{"WithBadKind", kBackend + "/kind", R"("_")",
                            "spec.rules[0].backendRefs[0].kind", "found \"_\""},
                    Refusal{"WithBadNamespace", kBackend + "/namespace", R"("a.b")",
                            "spec.rules[0].backendRefs[0].namespace", "found \"a.b\""},
                    Refusal{"WithNegativeWeight", kBackend + "/weight", "-1",
                            "spec.rules[0].backendRefs[0].weight", "valid are 0 to 1000000"},
                    Refusal{"WithTooLargeWeight", kBackend + "/weight", "1000001",
                            "spec.rules[0].backendRefs[0].weight", "found the number 1000001"},
                    Refusal{"WithHugeWeight", kBackend + "/weight", "18446744073709551615",
                            "spec.rules[0].backendRefs[0].weight", "valid are 0 to 1000000"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Timing, HttpRouteRefusalTest,
    testing::Values(Refusal{"WithBadRequestTimeout", kRule + "/timeouts", R"({"request": "10 s"})",
                            "spec.rules[0].timeouts.request", "found \"10 s\""},
                    Refusal{"WithTimeoutInMicroseconds", kRule + "/timeouts",
                            R"({"backendRequest": "10us"})",
                            "spec.rules[0].timeouts.backendRequest", "found \"10us\""},
                    Refusal{"WithBackendTimeoutAboveTheRequests", kRule + "/timeouts",
                            R"({"request": "1s", "backendRequest": "1001ms"})",
                            "spec.rules[0].timeouts", "must not be longer than request"},
                    Refusal{"WithNegativeAttempts", kRule + "/retry", R"({"attempts": -1})",
                            "spec.rules[0].retry.attempts", "found the number -1"},
                    Refusal{"WithBadBackoff", kRule + "/retry", R"({"backoff": "1.5s"})",
                            "spec.rules[0].retry.backoff", "found \"1.5s\""},
                    Refusal{"WithRetryCodeOfASuccess", kRule + "/retry", R"({"codes": [200]})",
                            "spec.rules[0].retry.codes[0]", "valid are 400 to 599"},
                    Refusal{"WithRetryCodeTwice", kRule + "/retry", R"({"codes": [500, 503, 500]})",
                            "spec.rules[0].retry.codes[2]", "found \"500\" again"}),
    name_of);

}  // namespace
}  // namespace sluice::model
