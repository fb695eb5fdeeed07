// The lines of the file `counters` that actions of streams and sockets name.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "shared/arena/counter_ref.h"
#include "shared/match/lookup_context.h"
#include "shared/match/matcher.h"
#include "shared/table/table_counters.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using arena::CounterRef;
using arena::RouteCounter;
using arena::SocketCounter;

constexpr std::uint16_t kPort = 80;

class EditorCountersTest : public testing::Test {
 protected:
  void put_listener(std::uint32_t id, std::uint16_t port = kPort,
                    ListenerMode mode = ListenerMode::kTcp) {
    ListenerSpec spec = listener_spec(id, "l" + std::to_string(id), port);
    spec.mode = mode;
    if (mode == ListenerMode::kUdp) spec.sockets[0].transport = Transport::kUdp;
    table_.editor().put_listener(spec);
  }

  void put_route(std::uint32_t listener, const std::string& name, std::uint32_t weight = 1,
                 RouteKind kind = RouteKind::kTcpRoute) {
    auto action = action_of("default/" + name, {share_of("a", weight), share_of("b")});
    action->route_kind = kind;
    table_.editor().put_route(listener, any_host(), "route/default/" + name,
                              {prefix_rule("", action)});
  }

  void remove_route(std::uint32_t listener, const std::string& name) {
    table_.editor().put_route(listener, any_host(), "route/default/" + name, {});
  }

  static match::GroupKey key_of(std::uint16_t port, Transport transport) {
    match::GroupKey key;
    key.socket.port = static_cast<std::uint16_t>(port + 8000);
    key.socket.transport = transport;
    return key;
  }

  CounterRef route_line(std::uint16_t port = kPort, Transport transport = Transport::kTcp) {
    const match::Match match =
        match::find_relay_rule(table_.reader(), key_of(port, transport), "", context_, nullptr);
    EXPECT_EQ(match.outcome, match::Outcome::kMatched);
    return {match.action.counter, match.action.counter_incarnation};
  }

  CounterRef socket_line(std::uint16_t port = kPort, Transport transport = Transport::kTcp) {
    Group group{};
    EXPECT_TRUE(match::find_group(table_.reader(), key_of(port, transport), group));
    return {group.counter, group.counter_incarnation};
  }

  // As workers do; null: the line is another one's.
  template <class Counter>
  Counter* counter(CounterRef ref) {
    const std::size_t bytes = (std::size_t{ref.line} + 1) * sizeof(Counter);
    return arena::find_counter<Counter>(table_.mapping().counters_file(bytes), ref);
  }

  // How many each route relayed, by "kind name".
  std::map<std::string, std::uint64_t> relayed() {
    std::map<std::string, std::uint64_t> found;
    table_.endpoints().counters().routes.for_each(
        [&](const RouteName& route, const RouteCounter& counted) {
          found[std::to_string(static_cast<int>(route.kind)) + " " + route.name] = counted.relayed;
        });
    return found;
  }

  std::vector<std::uint16_t> socket_ports() {
    std::vector<std::uint16_t> ports;
    table_.endpoints().counters().sockets.for_each(
        [&](const SocketKey& socket, const SocketCounter&) { ports.push_back(socket.port); });
    return ports;
  }

  using Relayed = std::map<std::string, std::uint64_t>;

  TableFixture table_;
  match::LookupContext context_;
};

TEST_F(EditorCountersTest, EachRouteAndEachSocketHasALineOfItsOwn) {
  put_listener(1);
  put_listener(2, kPort, ListenerMode::kUdp);
  put_route(1, "r");
  put_route(2, "r", 1, RouteKind::kUdpRoute);
  table_.committed();
  const std::set<std::uint32_t> lines = {route_line().line, route_line(kPort, Transport::kUdp).line,
                                         socket_line().line,
                                         socket_line(kPort, Transport::kUdp).line};
  EXPECT_EQ(lines.size(), 4U);
  counter<RouteCounter>(route_line())->relayed = 3;
  counter<RouteCounter>(route_line(kPort, Transport::kUdp))->relayed = 4;
  EXPECT_EQ(relayed(), (Relayed{{"4 default/r", 3}, {"5 default/r", 4}}));
  EXPECT_EQ(socket_ports(), (std::vector<std::uint16_t>{8080, 8080}));
}

TEST_F(EditorCountersTest, RoutesOfRequestsHaveNone) {
  put_listener(1, kPort, ListenerMode::kHttp);
  put_route(1, "r", 1, RouteKind::kHttpRoute);
  table_.committed();
  EXPECT_EQ(relayed(), Relayed{});
  EXPECT_NE(socket_line().incarnation, 0U);
}

TEST_F(EditorCountersTest, ARouteHasOneLineOnAllItsListenersAndThroughChanges) {
  put_listener(1);
  put_listener(2, 90);
  put_route(1, "r");
  put_route(2, "r");
  table_.committed();
  const CounterRef line = route_line();
  EXPECT_EQ(route_line(90), line);
  counter<RouteCounter>(line)->relayed = 5;
  put_route(1, "r", 7);
  put_route(2, "r", 7);
  table_.committed();
  remove_route(1, "r");
  table_.committed();
  ASSERT_TRUE(table_.editor().compact());
  EXPECT_EQ(route_line(90), line);
  EXPECT_EQ(relayed(), (Relayed{{"4 default/r", 5}}));
}

TEST_F(EditorCountersTest, ARouteThatMovesInOneCommitKeepsItsLine) {
  put_listener(1);
  put_listener(2, 90);
  put_route(2, "r");
  table_.committed();
  const CounterRef line = route_line(90);
  remove_route(2, "r");
  put_route(1, "r");
  table_.committed();
  EXPECT_EQ(route_line(), line);
}

TEST_F(EditorCountersTest, ARouteThatIsMadeAnewBeginsAtZero) {
  put_listener(1);
  put_route(1, "r");
  table_.committed();
  const CounterRef before = route_line();
  counter<RouteCounter>(before)->relayed = 5;
  remove_route(1, "r");
  table_.committed();
  EXPECT_EQ(relayed(), Relayed{});
  put_route(1, "r");
  table_.committed();
  EXPECT_NE(route_line(), before);
  EXPECT_EQ(relayed(), (Relayed{{"4 default/r", 0}}));
}

TEST_F(EditorCountersTest, SocketsComeAndGoWithTheirListeners) {
  put_listener(1);
  put_listener(2, 90);
  table_.committed();
  const CounterRef line = socket_line(90);
  put_listener(2, 90, ListenerMode::kTlsTerminate);
  table_.editor().remove_listener(1);
  table_.committed();
  EXPECT_EQ(socket_line(90), line);
  EXPECT_EQ(socket_ports(), std::vector<std::uint16_t>{8090});
}

TEST_F(EditorCountersTest, ASuccessorGoesOnAndForgetsWhatIsGone) {
  put_listener(1);
  put_listener(2, 90);
  put_route(1, "stays");
  put_route(2, "goes");
  table_.committed();
  const CounterRef stays = route_line();
  const CounterRef goes = route_line(90);
  const CounterRef socket = socket_line();
  counter<RouteCounter>(stays)->relayed = 5;
  counter<RouteCounter>(goes)->relayed = 6;
  counter<SocketCounter>(socket)->accepted = 7;
  table_.restart();
  put_listener(1);
  put_route(1, "stays");
  table_.committed();
  EXPECT_EQ(route_line(), stays);
  EXPECT_EQ(socket_line(), socket);
  EXPECT_EQ(counter<SocketCounter>(socket)->accepted, 7U);
  put_listener(2, 90);
  put_route(2, "goes");
  table_.committed();
  EXPECT_EQ(relayed(), (Relayed{{"4 default/goes", 0}, {"4 default/stays", 5}}));
}

TEST_F(EditorCountersTest, ACommitThatFailedLosesNoLine) {
  arena::ArenaOptions options;
  options.segment_bytes = std::size_t{16} << 10;
  options.reserve_bytes = std::size_t{24} << 10;
  TableFixture table(options);
  const auto published = [&table] {
    const bool done = table.editor().commit() || table.editor().compact();
    table.arena().reclaim(0);
    return done;
  };
  const ListenerSpec spec = listener_spec(1, "tcp");
  table.editor().put_listener(spec);
  ASSERT_TRUE(table.editor().commit());
  std::vector<Rule> rules;
  for (std::uint16_t i = 0; i < 400; ++i) {
    auto action = action_of("default/r", {share_of("a")}, i);
    action->route_kind = RouteKind::kTcpRoute;
    rules.push_back(prefix_rule("/" + std::to_string(i), action));
  }
  table.editor().put_route(1, any_host(), "TCPRoute/default/r", rules);
  ASSERT_FALSE(published());
  rules.resize(1);
  table.editor().put_route(1, any_host(), "TCPRoute/default/r", rules);
  ASSERT_TRUE(published());
  table.editor().put_route(1, any_host(), "TCPRoute/default/r", {});
  ASSERT_TRUE(published());
  int left = 0;
  table.endpoints().counters().routes.for_each(
      [&](const RouteName&, const RouteCounter&) { ++left; });
  EXPECT_EQ(left, 0) << "each action that had the line has given it back";
}

}  // namespace
}  // namespace sluice::table
