#include "controller/compile/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/http/method.h"

namespace sluice::compile {
namespace {

using model::NameMatch;
using model::PathMatchType;
using table::ConditionKind;
using table::PathKind;
using table::RuleCondition;
using ::testing::ElementsAre;

resolve::ServedRoute route_with(std::vector<model::HttpRouteMatch> matches) {
  resolve::ServedRoute route;
  route.key = {model::Kind::kHttpRoute, {"default", "web"}};
  route.rules = {{"", std::move(matches), {}}};
  return route;
}

table::Rule rule_of(const model::HttpRouteMatch& match) {
  return to_rules(route_with({match})).front();
}

model::HttpRouteMatch path_match(PathMatchType type, std::string value) {
  model::HttpRouteMatch match;
  match.path = {type, std::move(value)};
  return match;
}

TEST(RulesTest, APrefixLosesItsTrailingSlash) {
  for (const auto& [written, path] : std::vector<std::pair<std::string, std::string>>{
           {"/", ""}, {"/foo", "/foo"}, {"/foo/", "/foo"}, {"/a/b/", "/a/b"}}) {
    const table::Rule rule = rule_of(path_match(PathMatchType::kPathPrefix, written));
    EXPECT_EQ(rule.path_kind, PathKind::kPrefix);
    EXPECT_EQ(rule.path, path) << written;
  }
}

TEST(RulesTest, EveryKindOfRouteIsSaid) {
  for (const auto& [kind, said] : std::vector<std::pair<model::Kind, table::RouteKind>>{
           {model::Kind::kHttpRoute, table::RouteKind::kHttpRoute},
           {model::Kind::kGrpcRoute, table::RouteKind::kGrpcRoute},
           {model::Kind::kTlsRoute, table::RouteKind::kTlsRoute},
           {model::Kind::kTcpRoute, table::RouteKind::kTcpRoute},
           {model::Kind::kUdpRoute, table::RouteKind::kUdpRoute}}) {
    resolve::ServedRoute route = route_with({model::HttpRouteMatch{}});
    route.key.kind = kind;
    EXPECT_EQ(to_rules(route).front().action->route_kind, said) << route.key.text();
  }
}

TEST(RulesTest, ExactPathsAndPatternsStayAsTheyAre) {
  EXPECT_EQ(rule_of(path_match(PathMatchType::kExact, "/foo/")).path, "/foo/");
  const table::Rule regex = rule_of(path_match(PathMatchType::kRegularExpression, "/foo/"));
  EXPECT_EQ(regex.path_kind, PathKind::kRegex);
  EXPECT_EQ(regex.path, "/foo/");
}

// Symptom: a rule for "/%7Euser" never matched, because requests are normalised to "/~user".
TEST(RulesTest, PathsAreNormalisedAsRequestsAre) {
  EXPECT_EQ(rule_of(path_match(PathMatchType::kExact, "/%7Euser/%c3%a9")).path, "/~user/%C3%A9");
  EXPECT_EQ(rule_of(path_match(PathMatchType::kPathPrefix, "/%7Euser/")).path, "/~user");
  EXPECT_EQ(rule_of(path_match(PathMatchType::kRegularExpression, "/%7Eu")).path, "/%7Eu");
}

TEST(RulesTest, HeadersComeBeforeQueryParametersWithLowerCaseNames) {
  model::HttpRouteMatch match;
  match.query_params = {{false, "Q", "1"}};
  match.headers = {{false, "X-Version", "One"}, {true, "color", "re.*"}};
  EXPECT_THAT(rule_of(match).conditions,
              ElementsAre(RuleCondition{ConditionKind::kHeaderExact, "x-version", "One"},
                          RuleCondition{ConditionKind::kHeaderRegex, "color", "re.*"},
                          RuleCondition{ConditionKind::kQueryExact, "Q", "1"}));
}

TEST(RulesTest, OfARepeatedNameTheFirstCounts) {
  model::HttpRouteMatch match;
  match.headers = {{false, "Color", "red"}, {true, "COLOR", "blue"}};
  match.query_params = {{true, "q", "1"}, {false, "q", "2"}, {false, "Q", "3"}};
  EXPECT_THAT(rule_of(match).conditions,
              ElementsAre(RuleCondition{ConditionKind::kHeaderExact, "color", "red"},
                          RuleCondition{ConditionKind::kQueryRegex, "q", "1"},
                          RuleCondition{ConditionKind::kQueryExact, "Q", "3"}));
}

TEST(RulesTest, AMethodIsItsBitAndNoMethodIsAny) {
  model::HttpRouteMatch match;
  EXPECT_EQ(rule_of(match).methods, 0);
  match.method = "POST";
  EXPECT_EQ(rule_of(match).methods, http::method_bit("POST"));
}

TEST(RulesTest, TheMatchesOfARuleShareItsAction) {
  resolve::ServedRoute route = route_with({{}, {}});
  route.created = 17;
  route.rules.push_back({"second", {{}}, {}});
  const std::vector<table::Rule> rules = to_rules(route);
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].action, rules[1].action);
  EXPECT_NE(rules[1].action, rules[2].action);
  EXPECT_EQ(rules[0].match, 0);
  EXPECT_EQ(rules[1].match, 1);
  EXPECT_EQ(rules[2].match, 0);
  EXPECT_EQ(rules[2].action->rule, 1);
  EXPECT_EQ(rules[2].action->rule_name, "second");
  EXPECT_EQ(rules[2].action->route, "default/web");
  EXPECT_EQ(rules[2].created, 17);
}

TEST(RulesTest, ARouteWithoutATimestampIsTheNewest) {
  EXPECT_EQ(rule_of({}).created, table::kNoTimestamp);
}

TEST(RulesTest, AnInvalidReferenceKeepsItsShare) {
  resolve::ServedRoute route = route_with({{}});
  route.rules[0].backends = {{3, "Service/default/a:80", "default/a:80"}, {1, "", "default/b:80"}};
  const std::vector<table::Rule> rules = to_rules(route);
  EXPECT_THAT(rules[0].action->shares,
              ElementsAre(table::Share{"Service/default/a:80", "default/a:80", 3, 0},
                          table::Share{"", "default/b:80", 1, 500}));
}

TEST(RulesTest, ALimitOfZeroIsWantedAndOneOfManyDaysIsNone) {
  resolve::ServedRoute route = route_with({{}});
  const auto limits = [&](model::RouteTimeouts timeouts) {
    route.rules[0].timeouts = timeouts;
    const auto action = to_rules(route)[0].action;
    return std::pair(action->request_timeout_ms, action->backend_request_timeout_ms);
  };
  EXPECT_EQ(limits({}), std::pair(0U, 0U));
  EXPECT_EQ(limits({5000, 0}), std::pair(5000U, table::kNoDeadline));
  EXPECT_EQ(limits({std::uint64_t{1} << 40, 1}), std::pair(table::kNoDeadline, 1U));
}

TEST(RulesTest, ARetryWithoutABackoffWaitsAShortTime) {
  resolve::ServedRoute route = route_with({{}});
  EXPECT_EQ(to_rules(route)[0].action->retry, std::nullopt);
  route.rules[0].retry = model::RouteRetry{.attempts = 3, .backoff_ms = {}, .codes = {503, 500}};
  EXPECT_EQ(to_rules(route)[0].action->retry, (table::RetryRule{3, 25, {500, 503}}));
  route.rules[0].retry->backoff_ms = 0;
  EXPECT_EQ(to_rules(route)[0].action->retry->backoff_ms, 0U);
}

TEST(RulesTest, FiltersAndProtocolOfABackendReachItsShare) {
  resolve::ServedRoute route = route_with({{}});
  route.rules[0].backends = {{.weight = 1,
                              .backend = "Service/default/a:80",
                              .name = "default/a:80",
                              .protocol = resolve::BackendProtocol::kHttp2,
                              .filters = {model::UrlRewrite{"a.b", std::nullopt}}}};
  const table::Share share = to_rules(route)[0].action->shares.at(0);
  EXPECT_EQ(share.protocol, table::BackendProtocol::kHttp2);
  EXPECT_EQ(share.filters,
            (std::vector<table::FilterValue>{table::UrlRewrite{.hostname = "a.b", .path = ""}}));
}

TEST(RulesTest, HostnamesAreAnyWildcardOrExact) {
  EXPECT_EQ(to_host(""), (table::Host{table::HostKind::kAny, ""}));
  EXPECT_EQ(to_host("*.example.com"), (table::Host{table::HostKind::kWildcard, "example.com"}));
  EXPECT_EQ(to_host("a.example.com"), (table::Host{table::HostKind::kExact, "a.example.com"}));
}

TEST(RulesTest, AddressesAreInNetworkOrder) {
  const auto v4 = to_socket_key({"10.0.0.1", 80});
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->family, table::Family::kIpv4);
  EXPECT_EQ(v4->port, 80);
  EXPECT_EQ(v4->address[0], 10);
  EXPECT_EQ(v4->address[3], 1);
  EXPECT_EQ(v4->address[4], 0);
  const auto v6 = to_endpoint({"::1", 81, false});
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->family, table::Family::kIpv6);
  EXPECT_EQ(v6->address[15], 1);
  const auto path = to_endpoint({"/run/app.sock", 0, true});
  ASSERT_TRUE(path);
  EXPECT_EQ(path->family, table::Family::kUnix);
  EXPECT_EQ(path->path, "/run/app.sock");
  EXPECT_EQ(to_endpoint({"example.com", 80, false}), std::nullopt);
  EXPECT_EQ(to_socket_key({"example.com", 80}), std::nullopt);
}

}  // namespace
}  // namespace sluice::compile
