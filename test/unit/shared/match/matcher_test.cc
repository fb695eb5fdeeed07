#include "shared/match/matcher.h"

#include <gtest/gtest.h>

#include <string>

#include "test/unit/shared/match/world_builder.h"

namespace sluice::match {
namespace {

using oracle::LiveTable;
using oracle::Request;

class MatcherTest : public ::testing::Test {
 protected:
  // "ns/route" of the rule that answers, or why none does. Publishes the world at the first call.
  std::string winner(const Request& request) {
    if (!published_) {
      table_.put(build_.world());
      published_ = true;
    }
    const oracle::Answer answer = table_.find(request);
    EXPECT_EQ(describe(answer), describe(oracle::Oracle(build_.world()).find(request)));
    return answer.outcome == Outcome::kMatched ? answer.route : describe(answer);
  }

  WorldBuilder build_;
  LiveTable table_;
  bool published_ = false;
};

TEST_F(MatcherTest, ATableWithoutRootHasNoGroup) {
  LiveTable unpublished;
  EXPECT_EQ(find_rule(table::Reader(), {}, {}, unpublished.context(), nullptr).outcome,
            Outcome::kNoGroup);
}

TEST_F(MatcherTest, AnUnknownPortHasNoGroup) {
  build_.listener();
  Request request = get("a.com", "/");
  request.group.socket.port = 81;
  EXPECT_EQ(winner(request), "no group");
}

TEST_F(MatcherTest, AnAddressWithoutListenersFallsBackToTheUnspecifiedOne) {
  build_.rule(build_.listener(), {}, "any", prefix("/"));
  Request request = get("a.com", "/");
  request.group.socket.address[0] = 127;
  EXPECT_EQ(winner(request), "ns/any");
  request.group.socket.family = table::Family::kIpv6;
  EXPECT_EQ(winner(request), "no group");
}

TEST_F(MatcherTest, AnAddressWithListenersIsAGroupOfItsOwn) {
  build_.rule(build_.listener(), {}, "any", prefix("/"));
  build_.rule(build_.listener(exact_host("a.com")), {}, "own", prefix("/"));
  build_.last_listener().sockets = {{table::Family::kIpv4, 80, {10, 0, 0, 1}}};
  build_.last_listener().gateway = "ns/other";
  Request request = get("a.com", "/");
  EXPECT_EQ(winner(request), "ns/any");
  request.group.socket.address[0] = 10;
  request.group.socket.address[3] = 1;
  EXPECT_EQ(winner(request), "ns/own");
  request.host = "b.com";
  EXPECT_EQ(winner(request), "no listener");
}

TEST_F(MatcherTest, AGatewayCanBeNamedWithAndWithoutPort) {
  build_.rule(build_.listener(), {}, "any", prefix("/"));
  Request request = get("a.com", "/");
  request.group = {true, {}, "ns/gw", 0};
  EXPECT_EQ(winner(request), "ns/any");
  request.group.port = 80;
  EXPECT_EQ(winner(request), "ns/any");
  request.group.port = 81;
  EXPECT_EQ(winner(request), "no group");
  request.group.gateway = "ns/none";
  EXPECT_EQ(winner(request), "no group");
}

TEST_F(MatcherTest, TheListenerIsChosenAloneByItsHostname) {
  build_.rule(build_.listener(), {}, "any", prefix("/"));
  build_.rule(build_.listener(wildcard_host("a.com")), {}, "wild", prefix("/wild"));
  build_.rule(build_.listener(exact_host("x.a.com")), {}, "exact", prefix("/exact"));
  EXPECT_EQ(winner(get("x.a.com", "/exact")), "ns/exact");
  EXPECT_EQ(winner(get("x.a.com", "/wild")), "listener 3: no rule");
  EXPECT_EQ(winner(get("y.a.com", "/wild")), "ns/wild");
  EXPECT_EQ(winner(get("y.a.com", "/")), "listener 2: no rule");
  EXPECT_EQ(winner(get("a.com", "/wild")), "ns/any");
}

TEST_F(MatcherTest, AMatchCarriesTheListenerAndItsPorts) {
  build_.rule(build_.listener(), {}, "any", prefix("/"));
  ASSERT_EQ(winner(get("a.com", "/")), "ns/any");
  const Match match = table_.match(get("a.com", "/"));
  EXPECT_EQ(match.listener.port, 80);
  EXPECT_EQ(match.listener.client_port, 8080);
  EXPECT_EQ(match.action.shares, 0);
}

TEST_F(MatcherTest, WildcardHostLosesToExactHost) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, wildcard_host("com"), "wide", prefix("/path/longer"));
  build_.rule(listener, wildcard_host("a.com"), "wild", prefix("/path/longer"));
  build_.rule(listener, exact_host("x.a.com"), "exact", prefix("/path"));
  EXPECT_EQ(winner(get("x.a.com", "/path/longer")), "ns/exact");
  EXPECT_EQ(winner(get("y.a.com", "/path/longer")), "ns/wild");
  EXPECT_EQ(winner(get("b.com", "/path/longer")), "ns/wide");
}

TEST_F(MatcherTest, AHostWhoseRulesAllMissFallsThroughToTheNext) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, exact_host("x.a.com"), "exact", prefix("/only"));
  build_.rule(listener, wildcard_host("a.com"), "wild", prefix("/wild"));
  build_.rule(listener, {}, "any", prefix("/"));
  EXPECT_EQ(winner(get("x.a.com", "/only/here")), "ns/exact");
  EXPECT_EQ(winner(get("x.a.com", "/wild")), "ns/wild");
  EXPECT_EQ(winner(get("x.a.com", "/else")), "ns/any");
}

TEST_F(MatcherTest, ExactPathBeatsRegexBeatsPrefix) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "prefix", prefix("/a/b"));
  build_.rule(listener, {}, "regex", regex("/a/.*"));
  build_.rule(listener, {}, "longer-regex", regex("/a/b{1,2}"));
  build_.rule(listener, {}, "exact", exact("/a/b"));
  EXPECT_EQ(winner(get("", "/a/b")), "ns/exact");
  EXPECT_EQ(winner(get("", "/a/bb")), "ns/longer-regex");
  EXPECT_EQ(winner(get("", "/a/b/c")), "ns/regex");
}

TEST_F(MatcherTest, PrefixesMatchWholeSegmentsAndTheLongestWins) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "root", prefix("/"));
  build_.rule(listener, {}, "a", prefix("/a"));
  build_.rule(listener, {}, "a-b", prefix("/a/b"));
  EXPECT_EQ(winner(get("", "/")), "ns/root");
  EXPECT_EQ(winner(get("", "/ab")), "ns/root");
  EXPECT_EQ(winner(get("", "/a")), "ns/a");
  EXPECT_EQ(winner(get("", "/a/")), "ns/a");
  EXPECT_EQ(winner(get("", "/a//b")), "ns/a");
  EXPECT_EQ(winner(get("", "/a/bc")), "ns/a");
  EXPECT_EQ(winner(get("", "/a/b/")), "ns/a-b");
  EXPECT_EQ(winner(get("", "//a")), "ns/root");
}

TEST_F(MatcherTest, AnExactPathKeepsItsTrailingSlash) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "slash", exact("/a/"));
  build_.rule(listener, {}, "plain", exact("/a"));
  build_.rule(listener, {}, "root", exact("/"));
  EXPECT_EQ(winner(get("", "/a/")), "ns/slash");
  EXPECT_EQ(winner(get("", "/a")), "ns/plain");
  EXPECT_EQ(winner(get("", "/")), "ns/root");
  EXPECT_EQ(winner(get("", "/a//")), "listener 1: no rule");
}

TEST_F(MatcherTest, AConditionThatFailsAtALongPrefixFallsBackToAShorterOne) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "root", prefix("/"));
  build_.rule(listener, {}, "deep", with_header(prefix("/a/b/c"), "x-a", "1"));
  EXPECT_EQ(winner(get("", "/a/b/c")), "ns/root");
}

TEST_F(MatcherTest, PathsAreMatchedAtAnyDepth) {
  const std::uint32_t listener = build_.listener();
  std::string path;
  for (int depth = 1; depth <= 130; ++depth) {
    path += "/" + std::to_string(depth % 10);
    if (depth % 13 == 0) build_.rule(listener, {}, "prefix-" + std::to_string(depth), prefix(path));
    if (depth % 21 == 0) build_.rule(listener, {}, "exact-" + std::to_string(depth), exact(path));
  }
  std::string request;
  for (int depth = 1; depth <= 140; ++depth) {
    request += "/" + std::to_string(depth % 10);
    winner(get("", request));
  }
  EXPECT_EQ(winner(get("", path)), "ns/prefix-130");
  EXPECT_EQ(winner(get("", path.substr(0, std::size_t{2} * 126))), "ns/exact-126");
}

TEST_F(MatcherTest, APathBeyondTheLimitHasNoRule) {
  build_.rule(build_.listener(), {}, "root", prefix("/"));
  EXPECT_EQ(winner(get("", "/" + std::string(table::kMaxPathBytes - 1, 'a'))), "ns/root");
  const Request request = get("", "/" + std::string(table::kMaxPathBytes, 'a'));
  EXPECT_EQ(table_.find(request).outcome, Outcome::kNoRule);
}

TEST_F(MatcherTest, MethodBeatsHeadersBeatQueriesBeatAge) {
  const std::uint32_t listener = build_.listener();
  table::Rule oldest = prefix("/");
  oldest.created = 1;
  build_.rule(listener, {}, "oldest", oldest);
  build_.rule(listener, {}, "newer", prefix("/"));
  build_.rule(listener, {}, "query", with_query(prefix("/"), "q", "1"));
  build_.rule(listener, {}, "header", with_header(prefix("/"), "x-a", "1"));
  build_.rule(listener, {}, "method", with_method(prefix("/"), table::kPost));
  Request request = get("", "/");
  EXPECT_EQ(winner(request), "ns/oldest");
  request.query = "q=1";
  EXPECT_EQ(winner(request), "ns/query");
  request.headers = {{"X-A", "1"}};
  EXPECT_EQ(winner(request), "ns/header");
  request.method = "POST";
  EXPECT_EQ(winner(request), "ns/method");
  request.method = "PROPFIND";
  EXPECT_EQ(winner(request), "ns/header");
}

TEST_F(MatcherTest, TiesGoToTheAlphabeticallyFirstRoute) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "b", prefix("/"));
  build_.rule(listener, {}, "a", prefix("/"));
  build_.rule(listener, {}, "a-c", prefix("/"));
  EXPECT_EQ(winner(get("", "/")), "ns/a");
}

TEST_F(MatcherTest, ConditionsMayBeRegularExpressions) {
  using enum table::ConditionKind;
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "header", with(prefix("/"), kHeaderRegex, "x-a", "v[12]"));
  build_.rule(listener, {}, "query", with(prefix("/"), kQueryRegex, "q", "a b.*"));
  Request request = get("", "/");
  request.headers = {{"x-a", "v3"}};
  EXPECT_EQ(winner(request), "listener 1: no rule");
  request.query = "q=a+b%20c";
  EXPECT_EQ(winner(request), "ns/query");
  request.headers = {{"x-a", "v2"}};
  EXPECT_EQ(winner(request), "ns/header");
}

TEST_F(MatcherTest, RepeatedHeadersAreComparedJoined) {
  const std::uint32_t listener = build_.listener();
  build_.rule(listener, {}, "joined", with_header(prefix("/"), "x-a", "1,2"));
  build_.rule(listener, {}, "single", with_header(prefix("/"), "x-a", "1"));
  Request request = get("", "/");
  request.headers = {{"x-a", "1"}, {"X-A", "2"}};
  EXPECT_EQ(winner(request), "ns/joined");
  request.headers = {{"x-a", "1"}, {"X-A", "3"}};
  EXPECT_EQ(winner(request), "listener 1: no rule");
}

TEST_F(MatcherTest, ManyHeaderRulesAtOnePathKeepTheirOrder) {
  const std::uint32_t listener = build_.listener();
  for (int i = 0; i < 300; ++i) {
    const std::string name = "tenant-" + std::to_string(i);
    build_.rule(listener, {}, name, with_header(prefix("/"), "x-tenant", name));
  }
  build_.rule(listener, {}, "other", with_header(prefix("/"), "x-a", "1"));
  build_.rule(listener, {}, "both",
              with_header(with_header(prefix("/"), "x-a", "1"), "x-tenant", "tenant-7"));
  build_.rule(listener, {}, "catch-all", prefix("/"));
  Request request = get("", "/");
  EXPECT_EQ(winner(request), "ns/catch-all");
  request.headers = {{"X-Tenant", "tenant-299"}};
  EXPECT_EQ(winner(request), "ns/tenant-299");
  request.headers = {{"X-Tenant", "tenant-7"}, {"x-a", "1"}};
  EXPECT_EQ(winner(request), "ns/both");
  request.headers = {{"X-Tenant", "tenant-8"}, {"x-a", "1"}};
  EXPECT_EQ(winner(request), "ns/other");
}

TEST_F(MatcherTest, ASetOfRegexesKeepsTheirOrderAndConditions) {
  const std::uint32_t listener = build_.listener();
  for (int i = 0; i < 20; ++i) {
    build_.rule(listener, {}, "p-" + std::to_string(i),
                regex("/p" + std::to_string(i) + "/[a-z]+"));
  }
  build_.rule(listener, {}, "long",
              with_header(regex("/p1?1/.{1,1}[a-z]*"), "x-a", "1"));  // longer, so first
  Request request = get("", "/p11/abc");
  EXPECT_EQ(winner(request), "ns/p-11");
  table_.warm();
  EXPECT_EQ(winner(request), "ns/p-11");
  request.headers = {{"x-a", "1"}};
  EXPECT_EQ(winner(request), "ns/long");
  EXPECT_EQ(winner(get("", "/p11/ABC")), "listener 1: no rule");
}

TEST_F(MatcherTest, AHostOfManyLabelsIsMatchedByItsWildcard) {
  build_.rule(build_.listener(), wildcard_host("a.com"), "wild", prefix("/"));
  std::string host = "a.com";
  for (int labels = 0; labels < 110; ++labels)
    host.insert(0, "x.");
  EXPECT_EQ(winner(get(host, "/")), "ns/wild");
  const Request oversized = get(std::string(table::kMaxHostBytes + 1, 'a'), "/");
  EXPECT_EQ(table_.find(oversized).outcome, Outcome::kNoListener);
}

}  // namespace
}  // namespace sluice::match
