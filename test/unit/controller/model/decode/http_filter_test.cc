#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

// Every case replaces rule 0, filter 0, or its backend.
constexpr std::string_view kRoute = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
  "spec": {"rules": [{"filters": [
    {"type": "RequestHeaderModifier",
     "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}]}]}})";

const std::string kRule = "/spec/rules/0";
const std::string kFilters = "/spec/rules/0/filters";
const std::string kFilter = "/spec/rules/0/filters/0";

std::string filter(const std::string& type, const std::string& payload) {
  std::string field = type;
  field[0] = static_cast<char>(std::tolower(field[0]));
  if (type == "URLRewrite") field = "urlRewrite";
  if (type == "CORS") field = "cors";
  return R"({"type": ")" + type + R"(", ")" + field + R"(": )" + payload + "}";
}

const std::string kPrefix =
    R"({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}})";
const std::string kExactMatch = R"("matches": [{"path": {"type": "Exact", "value": "/a"}}])";

class HttpFilterRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(HttpFilterRefusalTest, IsRefused) {
  expect_refused(kRoute, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Type, HttpFilterRefusalTest,
    testing::Values(Refusal{"Missing", kFilter, "{}", "spec.rules[0].filters[0].type", "missing"},
                    Refusal{"Unknown", kFilter, R"({"type": "ExternalAuth"})",
                            "spec.rules[0].filters[0].type", "\"ExtensionRef\" and \"CORS\""},
                    Refusal{"WithoutRequestHeaderModifier", kFilter,
                            R"({"type": "RequestHeaderModifier"})", "spec.rules[0].filters[0]",
                            "requestHeaderModifier must be specified"},
                    Refusal{"WithoutResponseHeaderModifier", kFilter,
                            R"({"type": "ResponseHeaderModifier"})", "spec.rules[0].filters[0]",
                            "responseHeaderModifier must be specified"},
                    Refusal{"WithoutRequestMirror", kFilter, R"({"type": "RequestMirror"})",
                            "spec.rules[0].filters[0]", "requestMirror must be specified"},
                    Refusal{"WithoutRequestRedirect", kFilter, R"({"type": "RequestRedirect"})",
                            "spec.rules[0].filters[0]", "requestRedirect must be specified"},
                    Refusal{"WithoutUrlRewrite", kFilter, R"({"type": "URLRewrite"})",
                            "spec.rules[0].filters[0]", "urlRewrite must be specified"},
                    Refusal{"WithoutExtensionRef", kFilter, R"({"type": "ExtensionRef"})",
                            "spec.rules[0].filters[0]", "extensionRef must be specified"},
                    Refusal{"WithoutCors", kFilter, R"({"type": "CORS"})",
                            "spec.rules[0].filters[0]", "cors must be specified"},
                    Refusal{"WithForeignRequestHeaderModifier", kFilter,
                            R"({"type": "CORS", "cors": {}, "requestHeaderModifier": {}})",
                            "spec.rules[0].filters[0]", "found requestHeaderModifier"},
                    Refusal{"WithForeignResponseHeaderModifier", kFilter,
                            R"({"type": "CORS", "cors": {}, "responseHeaderModifier": {}})",
                            "spec.rules[0].filters[0]", "found responseHeaderModifier"},
                    Refusal{"WithForeignRequestMirror", kFilter,
                            R"({"type": "CORS", "cors": {},
                    "requestMirror": {"backendRef": {"name": "a", "port": 1}}})",
                            "spec.rules[0].filters[0]", "found requestMirror"},
                    Refusal{"WithForeignRequestRedirect", kFilter,
                            R"({"type": "CORS", "cors": {}, "requestRedirect": {}})",
                            "spec.rules[0].filters[0]", "found requestRedirect"},
                    Refusal{"WithForeignUrlRewrite", kFilter,
                            R"({"type": "CORS", "cors": {}, "urlRewrite": {}})",
                            "spec.rules[0].filters[0]", "found urlRewrite"},
                    Refusal{"WithForeignExtensionRef", kFilter,
                            R"({"type": "CORS", "cors": {},
                    "extensionRef": {"group": "", "kind": "K", "name": "n"}})",
                            "spec.rules[0].filters[0]", "found extensionRef"},
                    Refusal{"WithForeignCors", kFilter,
                            R"({"type": "URLRewrite", "urlRewrite": {}, "cors": {}})",
                            "spec.rules[0].filters[0]", "found cors"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Together, HttpFilterRefusalTest,
    testing::Values(
        Refusal{"TooMany", kFilters, repeat(17, R"({"type": "RequestMirror", "requestMirror":
            {"backendRef": {"name": "m#", "port": 80}}})"),
                "spec.rules[0].filters", "found 17 items; valid are 0 to 16"},
        Refusal{"RedirectAndRewrite", kFilters,
                "[" + filter("RequestRedirect", "{}") + "," + filter("URLRewrite", "{}") + "]",
                "spec.rules[0].filters", "found RequestRedirect and URLRewrite"},
        Refusal{"RepeatedCors", kFilters, repeat(2, filter("CORS", "{}")), "spec.rules[0].filters",
                "found 2 CORS filters"},
        Refusal{"RepeatedRequestHeaderModifier", kFilters,
                repeat(2, filter("RequestHeaderModifier", "{}")), "spec.rules[0].filters",
                "found 2 RequestHeaderModifier filters"},
        Refusal{"RepeatedResponseHeaderModifier", kFilters,
                repeat(3, filter("ResponseHeaderModifier", "{}")), "spec.rules[0].filters",
                "found 3 ResponseHeaderModifier filters"},
        Refusal{"RepeatedRedirect", kFilters, repeat(2, filter("RequestRedirect", "{}")),
                "spec.rules[0].filters", "found 2 RequestRedirect filters"},
        Refusal{"RepeatedRewrite", kFilters, repeat(2, filter("URLRewrite", "{}")),
                "spec.rules[0].filters", "found 2 URLRewrite filters"},
        Refusal{"RedirectBesideBackends", kRule,
                R"({"backendRefs": [{"name": "a", "port": 80}], "filters": [)" +
                    filter("RequestRedirect", "{}") + "]}",
                "spec.rules[0]", "found a RequestRedirect filter and backendRefs"},
        Refusal{"PrefixRedirectWithoutPrefixMatch", kRule,
                "{" + kExactMatch + R"(, "filters": [)" + filter("RequestRedirect", kPrefix) + "]}",
                "spec.rules[0]", "in a RequestRedirect filter"},
        Refusal{"PrefixRewriteWithoutPrefixMatch", kRule,
                "{" + kExactMatch + R"(, "filters": [)" + filter("URLRewrite", kPrefix) + "]}",
                "spec.rules[0]", "in a URLRewrite filter"},
        Refusal{"PrefixRewriteWithTwoMatches", kRule,
                R"({"matches": [{}, {}], "filters": [)" + filter("URLRewrite", kPrefix) + "]}",
                "spec.rules[0]", "exactly one match"},
        Refusal{"PrefixRedirectOfABackendWithoutPrefixMatch", kRule,
                "{" + kExactMatch + R"(, "backendRefs": [{"name": "a", "port": 80, "filters": [)" +
                    filter("RequestRedirect", kPrefix) + "]}]}",
                "spec.rules[0]", "in a backendRef's RequestRedirect filter"},
        Refusal{"PrefixRewriteOfABackendWithoutPrefixMatch", kRule,
                "{" + kExactMatch + R"(, "backendRefs": [{"name": "a", "port": 80, "filters": [)" +
                    filter("URLRewrite", kPrefix) + "]}]}",
                "spec.rules[0]", "in a backendRef's URLRewrite filter"},
        Refusal{"RepeatedInABackend", kRule,
                R"({"backendRefs": [{"name": "a", "port": 80, "filters": )" +
                    repeat(2, filter("CORS", "{}")) + "}]}",
                "spec.rules[0].backendRefs[0].filters", "found 2 CORS filters"}),
    name_of);

const std::string kModifier = "spec.rules[0].filters[0].requestHeaderModifier";

INSTANTIATE_TEST_SUITE_P(
    HeaderModifier, HttpFilterRefusalTest,
    testing::Values(Refusal{"WithTooManyHeadersToSet", kFilter + "/requestHeaderModifier/set",
                            repeat(17, R"({"name": "h#", "value": "v"})"), kModifier + ".set",
                            "found 17 items"},
                    Refusal{"WithTooManyHeadersToAdd", kFilter + "/requestHeaderModifier/add",
                            repeat(17, R"({"name": "h#", "value": "v"})"), kModifier + ".add",
                            "found 17 items"},
                    Refusal{"WithTooManyHeadersToRemove", kFilter + "/requestHeaderModifier/remove",
                            repeat(17, R"("h#")"), kModifier + ".remove", "found 17 items"},
                    Refusal{"WithHeaderSetTwice", kFilter + "/requestHeaderModifier/set",
                            R"([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])",
                            kModifier + ".set[1]", "found \"a\" again"},
                    Refusal{"WithHeaderAddedTwice", kFilter + "/requestHeaderModifier/add",
                            R"([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])",
                            kModifier + ".add[1]", "found \"a\" again"},
                    Refusal{"WithHeaderRemovedTwice", kFilter + "/requestHeaderModifier/remove",
                            R"(["a", "b", "a"])", kModifier + ".remove[2]", "found \"a\" again"},
                    Refusal{"WithBadHeaderName", kFilter + "/requestHeaderModifier/set/0/name",
                            R"("a:b")", kModifier + ".set[0].name", "found \"a:b\""},
                    Refusal{"WithoutValue", kFilter + "/requestHeaderModifier/set/0/value", "",
                            kModifier + ".set[0].value", "missing"},
                    Refusal{"WithEmptyValue", kFilter + "/requestHeaderModifier/set/0/value",
                            R"("")", kModifier + ".set[0].value", "valid are 1 to 4096"}),
    name_of);

const std::string kMirror = "spec.rules[0].filters[0].requestMirror";

INSTANTIATE_TEST_SUITE_P(
    Mirror, HttpFilterRefusalTest,
    testing::Values(
        Refusal{"WithoutBackend", kFilter, filter("RequestMirror", "{}"), kMirror + ".backendRef",
                "missing"},
        Refusal{"WithoutPort", kFilter, filter("RequestMirror", R"({"backendRef": {"name": "a"}})"),
                kMirror + ".backendRef", "port is missing"},
        Refusal{
            "WithTooManyPercent", kFilter,
            filter("RequestMirror", R"({"backendRef": {"name": "a", "port": 80}, "percent": 101})"),
            kMirror + ".percent", "valid are 0 to 100"},
        Refusal{"WithPercentAndFraction", kFilter,
                filter("RequestMirror", R"({"backendRef": {"name": "a", "port": 80}, "percent": 1,
                                            "fraction": {"numerator": 1}})"),
                kMirror, "found percent and fraction"},
        Refusal{"WithFractionAboveOne", kFilter,
                filter("RequestMirror", R"({"backendRef": {"name": "a", "port": 80},
                                            "fraction": {"numerator": 101}})"),
                kMirror + ".fraction", "found 101/100"},
        Refusal{"WithFractionWithoutNumerator", kFilter,
                filter("RequestMirror", R"({"backendRef": {"name": "a", "port": 80},
                                            "fraction": {"denominator": 2}})"),
                kMirror + ".fraction.numerator", "missing"},
        Refusal{"WithDenominatorZero", kFilter,
                filter("RequestMirror", R"({"backendRef": {"name": "a", "port": 80},
                                            "fraction": {"numerator": 1, "denominator": 0}})"),
                kMirror + ".fraction.denominator", "found the number 0"}),
    name_of);

const std::string kRedirect = "spec.rules[0].filters[0].requestRedirect";
const std::string kRewrite = "spec.rules[0].filters[0].urlRewrite";

INSTANTIATE_TEST_SUITE_P(
    RedirectAndRewrite, HttpFilterRefusalTest,
    testing::Values(
        Refusal{"WithUnknownScheme", kFilter, filter("RequestRedirect", R"({"scheme": "HTTPS"})"),
                kRedirect + ".scheme", "valid are \"http\" and \"https\""},
        Refusal{"WithWildcardHostname", kFilter,
                filter("RequestRedirect", R"({"hostname": "*.gateway.networking.k8s.io"})"),
                kRedirect + ".hostname", "no wildcard"},
        Refusal{"WithBadPort", kFilter, filter("RequestRedirect", R"({"port": 0})"),
                kRedirect + ".port", "valid are 1 to 65535"},
        Refusal{"WithUnknownStatus", kFilter, filter("RequestRedirect", R"({"statusCode": 304})"),
                kRedirect + ".statusCode", "valid are 301, 302, 303, 307 and 308"},
        Refusal{"WithUnknownPathType", kFilter,
                filter("RequestRedirect", R"({"path": {"type": "Replace"}})"),
                kRedirect + ".path.type", "\"ReplaceFullPath\" and \"ReplacePrefixMatch\""},
        Refusal{"WithoutPathType", kFilter,
                filter("URLRewrite", R"({"path": {"replaceFullPath": "/"}})"),
                kRewrite + ".path.type", "missing"},
        Refusal{"WithoutFullPath", kFilter,
                filter("URLRewrite", R"({"path": {"type": "ReplaceFullPath"}})"),
                kRewrite + ".path", "replaceFullPath must be specified"},
        Refusal{"WithoutPrefix", kFilter,
                filter("URLRewrite", R"({"path": {"type": "ReplacePrefixMatch"}})"),
                kRewrite + ".path", "replacePrefixMatch must be specified"},
        Refusal{"WithForeignPrefix", kFilter,
                filter("URLRewrite", R"({"path": {"type": "ReplaceFullPath",
                    "replaceFullPath": "/a", "replacePrefixMatch": "/b"}})"),
                kRewrite + ".path", "replacePrefixMatch must not be specified"},
        Refusal{"WithForeignFullPath", kFilter,
                filter("URLRewrite", R"({"path": {"type": "ReplacePrefixMatch",
                    "replaceFullPath": "/a", "replacePrefixMatch": "/b"}})"),
                kRewrite + ".path", "replaceFullPath must not be specified"},
        Refusal{"WithTooLongFullPath", kFilter,
                filter("URLRewrite", R"({"path": {"type": "ReplaceFullPath", "replaceFullPath": )" +
                                         quoted(1025) + "}}"),
                kRewrite + ".path.replaceFullPath", "found 1025 characters"},
        Refusal{"WithBadRewriteHostname", kFilter, filter("URLRewrite", R"({"hostname": "a:80"})"),
                kRewrite + ".hostname", "found \"a:80\""}),
    name_of);

const std::string kCors = "spec.rules[0].filters[0].cors";

INSTANTIATE_TEST_SUITE_P(
    Cors, HttpFilterRefusalTest,
    testing::Values(
        Refusal{"WithOriginWithoutScheme", kFilter,
                filter("CORS", R"({"allowOrigins": ["example.com"]})"), kCors + ".allowOrigins[0]",
                "valid is an origin"},
        Refusal{"WithOriginWithAPath", kFilter,
                filter("CORS", R"({"allowOrigins": ["https://example.com/"]})"),
                kCors + ".allowOrigins[0]", "valid is an origin"},
        Refusal{"WithStarBesideOrigins", kFilter,
                filter("CORS", R"({"allowOrigins": ["*", "https://a.b"]})"),
                kCors + ".allowOrigins", "valid is \"*\" alone"},
        Refusal{"WithOriginTwice", kFilter,
                filter("CORS", R"({"allowOrigins": ["http://a", "http://a"]})"),
                kCors + ".allowOrigins[1]", "again"},
        Refusal{"WithTooManyOrigins", kFilter,
                filter("CORS", R"({"allowOrigins": )" + repeat(65, R"("http://h#")") + "}"),
                kCors + ".allowOrigins", "found 65 items"},
        Refusal{"WithUnknownMethod", kFilter, filter("CORS", R"({"allowMethods": ["get"]})"),
                kCors + ".allowMethods[0]", "\"PATCH\" and \"*\""},
        Refusal{"WithStarBesideMethods", kFilter,
                filter("CORS", R"({"allowMethods": ["GET", "*"]})"), kCors + ".allowMethods",
                "valid is \"*\" alone"},
        Refusal{"WithStarBesideHeaders", kFilter, filter("CORS", R"({"allowHeaders": ["a", "*"]})"),
                kCors + ".allowHeaders", "valid is \"*\" alone"},
        Refusal{"WithBadExposedHeader", kFilter, filter("CORS", R"({"exposeHeaders": ["a b"]})"),
                kCors + ".exposeHeaders[0]", "found \"a b\""},
        Refusal{"WithMaxAgeZero", kFilter, filter("CORS", R"({"maxAge": 0})"), kCors + ".maxAge",
                "found the number 0"},
        Refusal{"WithCredentialsThatAreNoFlag", kFilter,
                filter("CORS", R"({"allowCredentials": "yes"})"), kCors + ".allowCredentials",
                "valid are true and false"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    ExtensionRef, HttpFilterRefusalTest,
    testing::Values(
        Refusal{"WithoutGroup", kFilter, filter("ExtensionRef", R"({"kind": "K", "name": "n"})"),
                "spec.rules[0].filters[0].extensionRef.group", "missing"},
        Refusal{"WithoutKind", kFilter, filter("ExtensionRef", R"({"group": "", "name": "n"})"),
                "spec.rules[0].filters[0].extensionRef.kind", "missing"},
        Refusal{"WithoutName", kFilter, filter("ExtensionRef", R"({"group": "", "kind": "K"})"),
                "spec.rules[0].filters[0].extensionRef.name", "missing"}),
    name_of);

HttpRoute decoded(const std::string& pointer, const std::string& value) {
  return decode_as<HttpRoute>(with(kRoute, pointer, value));
}

TEST(HttpFilterDecodeTest, FiltersKeepTheirOrderAndTheirDefaults) {
  const HttpRoute route = decoded(
      kRule, R"({"filters": [)" + filter("CORS", "{}") + "," + filter("RequestRedirect", "{}") +
                 "," + filter("RequestMirror", R"({"backendRef": {"name": "m", "port": 1}})") +
                 "]}");
  EXPECT_THAT(route.rules[0].filters,
              testing::ElementsAre(
                  HttpFilter(Cors{}), HttpFilter(RequestRedirect{}),
                  HttpFilter(RequestMirror{.backend = {"", "Service", "m", std::nullopt, 1}})));
  EXPECT_THAT(route.unserved, testing::IsEmpty());
}

TEST(HttpFilterDecodeTest, EveryFieldIsKept) {
  const HttpRoute route = decoded(
      kFilters,
      "[" + filter("RequestHeaderModifier", R"({"set": [{"name": "A", "value": "1"}],
          "add": [{"name": "B", "value": "2"}], "remove": ["C"]})") +
          "," + filter("URLRewrite", R"({"hostname": "a.b",
          "path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}})") +
          "," +
          filter("RequestMirror", R"({"backendRef": {"name": "m", "port": 1}, "percent": 20})") +
          "," + filter("RequestMirror", R"({"backendRef": {"name": "m", "port": 1},
          "fraction": {"numerator": 1, "denominator": 3}})") +
          "," +
          filter("CORS", R"({"allowCredentials": true, "maxAge": 7, "allowOrigins": ["https://a.b"],
          "allowMethods": ["GET"], "allowHeaders": ["X-A"], "exposeHeaders": ["X-B"]})") +
          "]");
  const BackendRef backend{"", "Service", "m", std::nullopt, 1};
  EXPECT_THAT(
      route.rules[0].filters,
      testing::ElementsAre(
          HttpFilter(RequestHeaderModifier{{{{"A", "1"}}, {{"B", "2"}}, {"C"}}}),
          HttpFilter(UrlRewrite{"a.b", PathModifier{PathModifierType::kFullPath, "/x"}}),
          HttpFilter(RequestMirror{backend, 20, 100}), HttpFilter(RequestMirror{backend, 1, 3}),
          HttpFilter(Cors{true, 7, {"https://a.b"}, {"GET"}, {"X-A"}, {"X-B"}})));
}

TEST(HttpFilterDecodeTest, ABackendRefHasFiltersOfItsOwn) {
  const HttpRoute route = decoded(
      kRule, R"({"backendRefs": [{"name": "a", "port": 80, "filters": [)" +
                 filter("RequestRedirect", R"({"scheme": "https", "hostname": "a.b", "port": 81,
                     "statusCode": 307,
                     "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}})") +
                 "]}]}");
  EXPECT_THAT(route.rules[0].backend_refs[0].filters,
              testing::ElementsAre(HttpFilter(RequestRedirect{
                  "https", "a.b", PathModifier{PathModifierType::kPrefixMatch, "/x"}, 81, 307})));
}

TEST(HttpFilterDecodeTest, WhatIsNotServedIsNamedWithItsField) {
  const HttpRoute route = decoded(
      kRule,
      R"({"filters": [)" + filter("ExtensionRef", R"({"group": "a.b", "kind": "K", "name": "n"})") +
          "," + filter("ResponseHeaderModifier", R"({"set": [{"name": "te", "value": "x"}],
          "remove": ["ok", "KEEP-ALIVE"]})") +
          "," + filter("RequestHeaderModifier", R"({"add": [{"name": "a", "value": "b\r\nc: d"},
          {"name": "tab", "value": "a\tb"}, {"name": "Host", "value": "a.b"}]})") +
          R"(], "backendRefs": [{"name": "a", "port": 80, "filters": [)" +
          filter("URLRewrite", R"({"path": {"type": "ReplaceFullPath", "replaceFullPath": "a"}})") +
          "]}]}");
  const std::string filters = "spec.rules[0].filters";
  EXPECT_THAT(
      route.unserved,
      testing::ElementsAre(
          testing::StartsWith(filters + "[0].extensionRef: a.b/K"),
          testing::StartsWith(filters + "[1].responseHeaderModifier.set[0].name: \"te\""),
          testing::StartsWith(filters + "[1].responseHeaderModifier.remove[1]: \"KEEP-ALIVE\""),
          testing::StartsWith(filters +
                              "[2].requestHeaderModifier.add[0].value: found \"b\\x0d\\n"),
          testing::StartsWith("spec.rules[0].backendRefs[0].filters[0].urlRewrite.path."
                              "replaceFullPath: found \"a\"")));
}

}  // namespace
}  // namespace sluice::model
