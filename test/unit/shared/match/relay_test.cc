// Connections that are relayed: which listener a server name leads to, and by which rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "shared/match/lookup_context.h"
#include "shared/match/matcher.h"
#include "shared/match/trace.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::match {
namespace {

using table::any_host;
using table::exact_host;
using table::ListenerMode;
using table::ListenerSpec;
using table::wildcard_host;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint16_t kPort = 8443;

ListenerSpec listener_of(std::uint32_t id, ListenerMode mode, const table::Host& hostname = {}) {
  ListenerSpec spec = table::listener_spec(id, "listener" + std::to_string(id), 443);
  spec.mode = mode;
  spec.hostname = hostname;
  return spec;
}

GroupKey socket_of(std::uint16_t port) {
  GroupKey key;
  key.socket.port = port;
  return key;
}

class RelayTest : public testing::Test, public table::TableFixture {
 protected:
  void put_route(std::uint32_t listener, const table::Host& hostname, const std::string& route) {
    auto action = table::action_of("ns/" + route, {table::share_of("ns/backend:1")});
    action->route_kind = table::RouteKind::kTlsRoute;
    editor().put_route(listener, hostname, "TLSRoute/ns/" + route,
                       {table::prefix_rule("", action)});
  }

  Match find(std::string_view server_name, const GroupKey& group = socket_of(kPort)) {
    return find_relay_rule(reader(), group, server_name, context_, nullptr);
  }

  Match find_request(std::string_view host, const GroupKey& group = socket_of(kPort)) {
    RequestView request;
    request.host = host;
    request.path = "/";
    return find_rule(reader(), group, request, context_, nullptr);
  }

  std::string route_of(const Match& match) {
    if (match.outcome != Outcome::kMatched) return "none";
    return std::string(*reader().text(match.action.route, 0, match.action.route_bytes));
  }

  LookupContext context_;
};

TEST_F(RelayTest, TheMostSpecificListenerDecidesTheMode) {
  editor().put_listener(
      listener_of(1, ListenerMode::kTlsPassthrough, wildcard_host("example.com")));
  editor().put_listener(listener_of(2, ListenerMode::kTlsTerminate, exact_host("a.example.com")));
  editor().put_listener(listener_of(3, ListenerMode::kHttp));
  put_route(1, any_host(), "passed");
  put_route(2, any_host(), "ended");
  committed();
  EXPECT_EQ(find("b.example.com").listener.mode, ListenerMode::kTlsPassthrough);
  EXPECT_EQ(route_of(find("b.example.com")), "ns/passed");
  EXPECT_EQ(find("a.example.com").listener.mode, ListenerMode::kTlsTerminate);
  EXPECT_EQ(route_of(find("a.example.com")), "ns/ended");
  EXPECT_EQ(find("other.org").listener.mode, ListenerMode::kHttp);
  EXPECT_EQ(find("other.org").outcome, Outcome::kNoRule);
  EXPECT_EQ(find("").listener.mode, ListenerMode::kHttp);
}

TEST_F(RelayTest, TheMostSpecificHostnameOfARouteServes) {
  editor().put_listener(listener_of(1, ListenerMode::kTlsPassthrough, wildcard_host("com")));
  put_route(1, wildcard_host("example.com"), "wide");
  put_route(1, exact_host("a.example.com"), "exact");
  committed();
  EXPECT_EQ(route_of(find("a.example.com")), "ns/exact");
  EXPECT_EQ(route_of(find("b.example.com")), "ns/wide");
  EXPECT_EQ(find("b.other.com").outcome, Outcome::kNoRule);
  EXPECT_EQ(find("b.example.org").outcome, Outcome::kNoListener);
  EXPECT_EQ(find("").outcome, Outcome::kNoListener);
}

TEST_F(RelayTest, ARawConnectionFollowsTheOnlyListenerOfItsSocket) {
  editor().put_listener(listener_of(1, ListenerMode::kTcp));
  put_route(1, any_host(), "mail");
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443  tries any  raw-tcp\n"));
  EXPECT_EQ(route_of(find("")), "ns/mail");
}

TEST_F(RelayTest, OfSeveralRoutesTheFirstByPrecedenceServes) {
  editor().put_listener(listener_of(1, ListenerMode::kTcp));
  const auto rule = [](const std::string& route, std::int64_t created) {
    table::Rule made = table::prefix_rule("", table::action_of(route));
    made.created = created;
    return made;
  };
  editor().put_route(1, any_host(), "TCPRoute/ns/a", {rule("ns/a", 200)});
  editor().put_route(1, any_host(), "TCPRoute/ns/b", {rule("ns/b", 100)});
  committed();
  EXPECT_EQ(route_of(find("")), "ns/b");
}

TEST_F(RelayTest, ARequestIsNeverAnsweredByAListenerThatRelays) {
  editor().put_listener(listener_of(1, ListenerMode::kTlsPassthrough, exact_host("a.example.com")));
  editor().put_listener(listener_of(2, ListenerMode::kHttp));
  put_route(1, any_host(), "passed");
  editor().put_route(2, any_host(), "HTTPRoute/ns/web",
                     {table::prefix_rule("", table::action_of("ns/web"))});
  committed();
  EXPECT_EQ(find_request("a.example.com").outcome, Outcome::kNoListener);
  EXPECT_EQ(route_of(find_request("b.example.com")), "ns/web");
}

TEST_F(RelayTest, ATcpAndAUdpListenerOnOnePortDoNotMeet) {
  editor().put_listener(listener_of(1, ListenerMode::kTcp));
  ListenerSpec udp = listener_of(2, ListenerMode::kUdp);
  udp.sockets[0].transport = table::Transport::kUdp;
  editor().put_listener(udp);
  put_route(1, any_host(), "stream");
  put_route(2, any_host(), "datagrams");
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443/udp  tries any\n"));
  EXPECT_EQ(route_of(find("")), "ns/stream");
  GroupKey datagrams = socket_of(kPort);
  datagrams.socket.transport = table::Transport::kUdp;
  EXPECT_EQ(route_of(find("", datagrams)), "ns/datagrams");
}

TEST_F(RelayTest, AGatewayIsNamedByItsListenersWithHostnamesOnly) {
  editor().put_listener(table::listener_spec(1, "web", 80));
  editor().put_listener(listener_of(2, ListenerMode::kTcp));
  EXPECT_THAT(committed(), Not(HasSubstr("group default/web:443")));
  GroupKey only;
  only.named = true;
  only.gateway = "default/web";
  EXPECT_EQ(find_request("any.org", only).outcome, Outcome::kNoRule);
  editor().put_listener(listener_of(2, ListenerMode::kHttp));
  committed();
  EXPECT_EQ(find_request("any.org", only).outcome, Outcome::kNoGroup);
  editor().put_listener(listener_of(2, ListenerMode::kTcp));
  committed();
  EXPECT_EQ(find_request("any.org", only).outcome, Outcome::kNoRule);
}

TEST_F(RelayTest, AGroupFollowsTheModesOfItsListeners) {
  editor().put_listener(listener_of(1, ListenerMode::kTlsPassthrough));
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443  tries any  tls  server-names\n"));
  editor().put_listener(listener_of(1, ListenerMode::kTcp));
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443  tries any  raw-tcp\n"));
  editor().put_listener(listener_of(1, ListenerMode::kHttp));
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8443  tries any\n"));
}

TEST_F(RelayTest, ATraceShowsTheListenerAndTheWinner) {
  editor().put_listener(listener_of(1, ListenerMode::kTlsPassthrough, wildcard_host("com")));
  put_route(1, exact_host("a.com"), "exact");
  committed();
  Trace trace;
  find_relay_rule(reader(), socket_of(kPort), "a.com", context_, &trace);
  ASSERT_EQ(trace.steps().size(), 3U);
  EXPECT_EQ(trace.steps()[0].listener, "listener1");
  EXPECT_EQ(trace.steps()[1].hostname, "a.com");
  EXPECT_EQ(trace.steps()[2].route, "ns/exact");
  EXPECT_EQ(trace.steps()[2].verdict, Verdict::kWon);
}

}  // namespace
}  // namespace sluice::match
