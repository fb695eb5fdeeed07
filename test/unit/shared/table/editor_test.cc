#include "shared/table/editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/table/action_writer.h"
#include "shared/table/keys.h"
#include "shared/table/precedence.h"
#include "shared/table/tab.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::optional<Shard> find_shard(const Reader& reader, std::uint32_t listener, const Host& host) {
  const auto root = reader.read<Root>(reader.root());
  std::optional<Shard> result;
  find_in_tab(reader, root->shards, shard_key_hash(root->hash_seed, listener, host.kind, host.name),
              [&](Offset offset) {
                const auto shard = reader.read<Shard>(offset);
                if (!shard || shard->listener != listener) return false;
                if (shard->hostname_kind != host.kind) return false;
                if (shard->hostname_bytes != host.name.size()) return false;
                result = shard;
                return true;
              });
  return result;
}

// The offset of the node at `path`; 0: none.
Offset find_node(const Reader& reader, std::uint32_t listener, const Host& host,
                 std::string_view path) {
  const auto shard = find_shard(reader, listener, host);
  if (!shard) return 0;
  const auto root = reader.read<Root>(reader.root());
  Offset result = 0;
  find_in_tab(reader, shard->nodes, path_key(root->hash_seed, path).hash, [&](Offset offset) {
    const auto node = reader.read<Node>(offset);
    if (!node) return false;
    const std::uint64_t entries = std::uint64_t{node->exact_entries} + node->prefix_entries;
    const auto text = reader.text(offset, sizeof(Node) + entries * sizeof(Entry), node->path_bytes);
    if (!text || *text != path) return false;
    result = offset;
    return true;
  });
  return result;
}

// The match indices of the prefix entries at a path, in the order of the table.
std::vector<int> order_at(const Reader& reader, std::uint32_t listener, std::string_view path) {
  const Offset offset = find_node(reader, listener, any_host(), path);
  const auto node = reader.read<Node>(offset);
  std::vector<int> order;
  for (std::uint32_t i = 0; node && i < node->prefix_entries; ++i) {
    order.push_back(reader.read_element<Entry>(offset, sizeof(Node), i)->match);
  }
  return order;
}

TEST(EditorTest, PublishesAnEmptyTableFirstAndNothingWithoutAMark) {
  TableFixture table;
  EXPECT_EQ(table.committed(), "table v1\n");
  EXPECT_EQ(table.editor().generation(), 1u);
  EXPECT_EQ(table.committed(), "table v1\n");
  EXPECT_EQ(table.editor().generation(), 1u);
}

TEST(EditorTest, ContinuesTheGenerationsOfAPredecessor) {
  TableFixture table;
  table.committed();
  table.editor().put_listener(listener_spec(1, "http"));
  table.committed();
  table.restart();
  table.editor().put_listener(listener_spec(9, "http"));
  EXPECT_THAT(table.committed(), HasSubstr("listener default/web/http"));
  EXPECT_EQ(table.editor().generation(), 3u);
}

TEST(EditorTest, EqualRulesPublishNothing) {
  TableFixture table;
  const auto rules = [] {
    return std::vector<Rule>{
        with_header(prefix_rule("/a", action_of("ns/r", {share_of("ns/a:80")})), "x", "1")};
  };
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules());
  table.committed();
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules());
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/none", {});
  table.editor().remove_listener(77);
  table.committed();
  EXPECT_EQ(table.editor().generation(), 1u);
}

TEST(EditorTest, OnlyTouchedPathsAreWrittenAgain) {
  TableFixture table;
  table.editor().put_route(
      1, any_host(), "HTTPRoute/ns/a",
      {prefix_rule("/a", action_of("ns/a")), exact_rule("/b", action_of("ns/a"))});
  table.editor().put_route(1, exact_host("x.com"), "HTTPRoute/ns/a",
                           {prefix_rule("/a", action_of("ns/a"))});
  table.committed();
  const Offset a = find_node(table.reader(), 1, any_host(), "/a");
  const Offset b = find_node(table.reader(), 1, any_host(), "/b");
  const Offset other = find_node(table.reader(), 1, exact_host("x.com"), "/a");
  ASSERT_NE(a, 0u);
  ASSERT_NE(b, 0u);
  ASSERT_NE(other, 0u);

  table.editor().put_route(1, any_host(), "HTTPRoute/ns/a",
                           {prefix_rule("/a", action_of("ns/a")),
                            exact_rule("/b", action_of("ns/a", {share_of("ns/b:80")}))});
  table.committed();
  EXPECT_EQ(find_node(table.reader(), 1, any_host(), "/a"), a);
  EXPECT_NE(find_node(table.reader(), 1, any_host(), "/b"), b);
  EXPECT_EQ(find_node(table.reader(), 1, exact_host("x.com"), "/a"), other);
}

TEST(EditorTest, MatchesOfOneRuleShareAnAction) {
  TableFixture table;
  const auto action = action_of("ns/r", {share_of("ns/a:80")});
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r",
                           {prefix_rule("/a", action), prefix_rule("/b", action)});
  table.committed();
  const Reader reader = table.reader();
  const auto first =
      reader.read_element<Entry>(find_node(reader, 1, any_host(), "/a"), sizeof(Node), 0);
  const auto second =
      reader.read_element<Entry>(find_node(reader, 1, any_host(), "/b"), sizeof(Node), 0);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->action, second->action);
}

TEST(EditorTest, EntriesOfAPathLieInPrecedenceOrder) {
  TableFixture table;
  const auto old_b = action_of("ns/b");
  const auto rule = [](std::uint16_t number, std::shared_ptr<const RuleAction> action) {
    Rule result = prefix_rule("/a", std::move(action));
    result.match = number;
    return result;
  };
  Rule method = rule(0, action_of("ns/z"));
  method.methods = kGet;
  Rule two_headers = with_header(with_header(rule(1, action_of("ns/z")), "x", "1"), "y", "1");
  Rule header_and_query = with_header(rule(2, action_of("ns/z")), "x", "1");
  header_and_query.conditions.push_back({ConditionKind::kQueryExact, "q", "1"});
  Rule header = with_header(rule(3, action_of("ns/z")), "x", "1");
  Rule query = rule(4, action_of("ns/z"));
  query.conditions.push_back({ConditionKind::kQueryExact, "q", "1"});
  Rule oldest = rule(5, action_of("ns/z"));
  oldest.created = 1000;
  Rule old_dash = rule(6, action_of("a-b/c"));  // '-' sorts before '/'
  Rule old_slash = rule(7, action_of("a/b-c"));
  old_dash.created = old_slash.created = 2000;
  Rule first_rule = rule(8, action_of("ns/r", {}, 0));
  Rule second_rule = rule(9, action_of("ns/r", {}, 1));
  Rule second_rule_again = rule(10, action_of("ns/r", {}, 1));

  std::vector<Rule> all = {second_rule_again, second_rule, first_rule, old_slash,
                           old_dash,          oldest,      query,      header,
                           header_and_query,  two_headers, method};
  int number = 0;
  for (const Rule& one : all) {
    table.editor().put_route(1, any_host(), "HTTPRoute/r" + std::to_string(number++), {one});
  }
  table.committed();
  EXPECT_THAT(order_at(table.reader(), 1, "/a"),
              ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(EditorTest, LongerRegularExpressionsComeFirst) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "http"));
  table.editor().put_route(
      1, any_host(), "HTTPRoute/ns/r",
      {regex_rule("/a", action_of("ns/r")), regex_rule("/abc", action_of("ns/r")),
       regex_rule("/ab", action_of("ns/r"))});
  const std::string text = table.committed();
  EXPECT_LT(text.find("regex /abc "), text.find("regex /ab "));
  EXPECT_LT(text.find("regex /ab "), text.find("regex /a "));
}

TEST(EditorTest, RemovingARuleRemovesItsPathHostnameAndMasks) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "http"));
  const std::string empty = table.committed();
  table.editor().put_route(
      1, wildcard_host("a.b"), "HTTPRoute/ns/r",
      {prefix_rule("/a/b/c", action_of("ns/r")), exact_rule("/", action_of("ns/r")),
       regex_rule("/.*", action_of("ns/r"))});
  const std::string full = table.committed();
  EXPECT_THAT(full, HasSubstr("tries *.(2)"));
  EXPECT_THAT(full, HasSubstr("exact depths 1  prefix depths 3"));
  table.editor().put_route(1, wildcard_host("a.b"), "HTTPRoute/ns/r", {});
  EXPECT_EQ(table.committed(), empty);
}

TEST(EditorTest, RemovingAListenerRemovesItsRules) {
  TableFixture table;
  table.committed();
  table.editor().put_listener(listener_spec(1, "http"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", {prefix_rule("", action_of("ns/r"))});
  table.committed();
  table.editor().remove_listener(1);
  EXPECT_EQ(table.committed(), "table v1\n");
  table.editor().put_listener(listener_spec(1, "http"));
  EXPECT_THAT(table.committed(), Not(HasSubstr("prefix")));
}

TEST(EditorTest, RulesMayComeBeforeTheirListener) {
  TableFixture table;
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", {prefix_rule("", action_of("ns/r"))});
  EXPECT_THAT(table.committed(), HasSubstr("no listener\n  host *"));
  table.editor().put_listener(listener_spec(1, "http"));
  EXPECT_THAT(table.committed(), HasSubstr("  tries any\n  host *"));
}

TEST(EditorTest, AGatewayWithOnePortHasAGroupWithoutPort) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "one", 80));
  EXPECT_THAT(table.committed(), HasSubstr("as [default/web default/web:80]"));
  table.editor().put_listener(listener_spec(2, "two", 81));
  const std::string both = table.committed();
  EXPECT_THAT(both, HasSubstr("as [default/web:80]"));
  EXPECT_THAT(both, HasSubstr("as [default/web:81]"));
  EXPECT_THAT(both, Not(HasSubstr("group default/web ")));
  table.editor().remove_listener(1);
  EXPECT_THAT(table.committed(), HasSubstr("as [default/web default/web:81]"));
}

TEST(EditorTest, AListenerFollowsItsSockets) {
  TableFixture table;
  ListenerSpec spec = listener_spec(1, "http");
  table.editor().put_listener(spec);
  table.committed();
  spec.sockets[0].port = 9000;
  table.editor().put_listener(spec);
  const std::string text = table.committed();
  EXPECT_THAT(text, HasSubstr("0.0.0.0:9000"));
  EXPECT_THAT(text, Not(HasSubstr("0.0.0.0:8080")));
}

TEST(EditorTest, OfTwoListenersWithOneHostnameTheFirstByNameHasIt) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "b"));
  table.editor().put_listener(listener_spec(2, "a"));
  EXPECT_THAT(table.committed(), Not(HasSubstr("default/web/b ")));
  table.editor().remove_listener(2);
  EXPECT_THAT(table.committed(), HasSubstr("default/web/b "));
}

TEST(EditorTest, ManyHostsAndPathsStayFindableThroughGrowthAndShrinking) {
  TableFixture table;
  const auto host = [](int i) { return exact_host("host-" + std::to_string(i) + ".example"); };
  const auto path = [](int i) { return "/p" + std::to_string(i); };
  constexpr int kMany = 1500;  // two pages of lines
  const auto action = action_of("ns/r");
  for (int i = 0; i < kMany; ++i) {
    table.editor().put_route(1, host(i), "HTTPRoute/ns/r", {prefix_rule("/", action)});
    table.editor().put_route(1, any_host(), "HTTPRoute/ns/" + std::to_string(i),
                             {prefix_rule(path(i), action)});
    if (i % 50 == 0) {
      ASSERT_TRUE(table.editor().commit());
      table.arena().reclaim(0);
    }
  }
  table.committed();
  const auto root = table.reader().read<Root>(table.reader().root());
  EXPECT_EQ(root->shards.paged, 1u);
  EXPECT_EQ(root->shards.entries, kMany + 1u);
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(find_shard(table.reader(), 1, host(i))) << i;
    ASSERT_NE(find_node(table.reader(), 1, any_host(), path(i)), 0u) << i;
  }
  for (int i = 0; i < kMany - 3; ++i) {
    table.editor().put_route(1, host(i), "HTTPRoute/ns/r", {});
    table.editor().put_route(1, any_host(), "HTTPRoute/ns/" + std::to_string(i), {});
    if (i % 7 != 0) continue;
    ASSERT_TRUE(table.editor().commit());
  }
  table.committed();
  for (int i = 0; i < kMany; ++i) {
    ASSERT_EQ(find_shard(table.reader(), 1, host(i)).has_value(), i >= kMany - 3) << i;
    ASSERT_EQ(find_node(table.reader(), 1, any_host(), path(i)) != 0, i >= kMany - 3) << i;
  }
  EXPECT_EQ(table.reader().read<Root>(table.reader().root())->shards.lines, 1u);
}

TEST(EditorTest, ManyHeaderRulesAtOnePathAreIndexed) {
  TableFixture table;
  std::vector<Rule> rules;
  for (int i = 0; i < 40; ++i) {
    rules.push_back(with_header(prefix_rule("/a", action_of("ns/r")), "x-id", std::to_string(i)));
    rules.back().match = static_cast<std::uint16_t>(i);
  }
  rules.push_back(prefix_rule("/a", action_of("ns/r")));
  table.editor().put_listener(listener_spec(1, "http"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules);
  EXPECT_THAT(table.committed(), HasSubstr("index of prefix /a  by [x-id]  filed 40  others 1"));
  rules.resize(kIndexedFrom - 1);
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules);
  EXPECT_THAT(table.committed(), Not(HasSubstr("index of")));
}

TEST(EditorTest, PatternsLeaveTheListWithTheirLastRule) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "http"));
  EXPECT_TRUE(table.editor().put_patterns(std::vector<std::string>{"/a.*"}));
  EXPECT_FALSE(table.editor().put_patterns(std::vector<std::string>{"/a.*"}));
  EXPECT_THAT(table.committed(), HasSubstr("pattern /a.*"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/other",
                           {prefix_rule("/x", action_of("ns/other"))});
  EXPECT_THAT(table.committed(), HasSubstr("pattern /a.*")) << "it is still waited for";
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r",
                           {regex_rule("/a.*", action_of("ns/r"))});
  EXPECT_THAT(table.committed(), HasSubstr("pattern /a.*"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", {});
  EXPECT_THAT(table.committed(), Not(HasSubstr("pattern")));
}

TEST(EditorTest, APatternThatNoRuleEverUsesLeavesTheListInTheEnd) {
  TableFixture table;
  table.editor().put_patterns(std::vector<std::string>{"/a.*"});
  std::string text = table.committed();
  for (std::uint16_t i = 0; i < 100; ++i) {
    text = table.dumped();
    if (text.find("pattern") == std::string::npos) break;
    table.editor().put_route(1, any_host(), "HTTPRoute/ns/r",
                             {prefix_rule("/" + std::to_string(i), action_of("ns/r"))});
    text = table.committed();
  }
  EXPECT_THAT(text, Not(HasSubstr("pattern")));
}

TEST(EditorTest, PatternIdsSurviveARestart) {
  TableFixture table;
  DumpOptions options;
  options.placement = true;
  const auto pattern_lines = [&] {
    table.editor().put_patterns(std::vector<std::string>{"/a.*", "/b.*"});
    table.committed();
    const std::string text = dump(table.reader(), options);
    return text.substr(text.find("pattern "));
  };
  const std::string before = pattern_lines();
  table.restart();
  EXPECT_EQ(pattern_lines(), before);
}

TEST(EditorTest, EightPathPatternsMakeASet) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "http"));
  std::vector<Rule> rules;
  rules.reserve(kSetFrom);
  for (std::uint32_t i = 0; i < kSetFrom; ++i) {
    rules.push_back(regex_rule("/" + std::to_string(i), action_of("ns/r")));
  }
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules);
  EXPECT_THAT(table.committed(), HasSubstr("one automaton over the regexes"));
  rules.pop_back();
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules);
  EXPECT_THAT(table.committed(), Not(HasSubstr("automaton")));
}

TEST(EditorTest, AFullArenaKeepsThePublishedTableAndTheChangeForLater) {
  arena::ArenaOptions options;
  options.segment_bytes = std::size_t{256} << 10;
  options.reserve_bytes = std::size_t{256} << 10;
  TableFixture table(options);
  table.editor().put_listener(listener_spec(1, "http"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/small",
                           {prefix_rule("/small", action_of("ns/small"))});
  const std::string small = table.committed();
  std::vector<Rule> rules;
  rules.reserve(4000);
  for (int i = 0; i < 4000; ++i) {
    rules.push_back(prefix_rule("/big" + std::to_string(i), action_of("ns/big", {}, 1)));
  }
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/big", rules);
  const Result<void> full = table.editor().commit();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kFull);
  EXPECT_EQ(table.dumped(), small);
  EXPECT_EQ(table.editor().generation(), 1u);

  rules.resize(100);
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/big", rules);
  EXPECT_TRUE(table.arena().wants_compaction());
  const Result<void> compacted = table.editor().compact();
  ASSERT_TRUE(compacted) << compacted.error().message;
  EXPECT_THAT(table.dumped(), HasSubstr("rules 101"));
  EXPECT_EQ(table.editor().generation(), 2u);
}

TEST(EditorTest, ACompactionWithoutRoomKeepsThePublishedTable) {
  arena::ArenaOptions options;
  options.segment_bytes = std::size_t{256} << 10;
  options.reserve_bytes = std::size_t{256} << 10;
  TableFixture table(options);
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/small",
                           {prefix_rule("/small", action_of("ns/small"))});
  const std::string small = table.committed();
  std::vector<Rule> rules;
  rules.reserve(4000);
  for (int i = 0; i < 4000; ++i) {
    rules.push_back(prefix_rule("/big" + std::to_string(i), action_of("ns/big", {}, 1)));
  }
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/big", rules);
  const Result<void> full = table.editor().compact();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kFull);
  EXPECT_EQ(table.dumped(), small);

  rules.resize(100);
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/big", rules);
  EXPECT_THAT(table.committed(), HasSubstr("rules 101"));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/big", {});
  EXPECT_EQ(table.committed(), small);
}

TEST(EditorTest, SteadyChangesDoNotGrowTheArena) {
  TableFixture table;
  const auto change = [&](int i) {
    table.editor().put_route(
        1, any_host(), "HTTPRoute/ns/r",
        {with_header(
            prefix_rule("/a", action_of("ns/r", {share_of("ns/" + std::to_string(i % 2))})), "x",
            std::to_string(i % 10))});
    table.committed();
  };
  for (int i = 0; i < 20; ++i) {
    change(i);
  }
  const std::size_t used = table.arena().used_bytes();
  const std::size_t live = table.arena().live_bytes();
  for (int i = 0; i < 500; ++i) {
    change(i);
  }
  EXPECT_EQ(table.arena().used_bytes(), used);
  EXPECT_EQ(table.arena().live_bytes(), live);
}

TEST(EditorTest, CompactionMovesTheWholeTableAndWhatIsMarked) {
  TableFixture table;
  table.editor().put_listener(listener_spec(1, "http"));
  std::vector<Rule> rules;
  rules.reserve(300);
  for (int i = 0; i < 300; ++i) {
    rules.push_back(
        prefix_rule("/p" + std::to_string(i), action_of("ns/r", {share_of("ns/b:80")})));
  }
  rules.push_back(regex_rule("/x.*", action_of("ns/r")));
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r", rules);
  table.committed();
  table.editor().put_route(1, exact_host("new.com"), "HTTPRoute/ns/r",
                           {exact_rule("/new", action_of("ns/r"))});
  table.editor().put_route(1, any_host(), "HTTPRoute/ns/r",
                           std::vector<Rule>(rules.begin() + 200, rules.end()));
  const std::uint8_t segment = table.arena().segment();
  const Result<void> compacted = table.editor().compact();
  ASSERT_TRUE(compacted) << compacted.error().message;
  EXPECT_NE(table.arena().segment(), segment);
  const std::string moved = table.dumped();
  EXPECT_THAT(moved, HasSubstr("/new"));
  EXPECT_THAT(moved, HasSubstr("rules 101"));
  EXPECT_THAT(moved, HasSubstr("pattern /x.*"));
  EXPECT_EQ(table.committed(), moved) << "nothing is left to write";
  EXPECT_EQ(table.editor().generation(), 2u);
  table.editor().put_route(1, exact_host("new.com"), "HTTPRoute/ns/r", {});
  EXPECT_THAT(table.committed(), Not(HasSubstr("/new")));
}

TEST(ThresholdsTest, FollowTheWeights) {
  const auto most = [](std::vector<Share> shares) {
    std::vector<std::uint32_t> result;
    for (const Threshold& threshold : thresholds(shares)) {
      result.push_back(threshold.most);
    }
    return result;
  };
  EXPECT_TRUE(most({}).empty());
  EXPECT_TRUE(most({share_of("a", 0), share_of("b", 0)}).empty());
  EXPECT_EQ(most({share_of("a", 5)}), (std::vector<std::uint32_t>{0xffffffff}));
  EXPECT_EQ(most({share_of("a", 1), share_of("b", 1)}),
            (std::vector<std::uint32_t>{0x7fffffff, 0xffffffff}));
  EXPECT_EQ(most({share_of("a", 90), share_of("b", 0), share_of("c", 10)}),
            (std::vector<std::uint32_t>{0xe6666665, 0xffffffff}));
  EXPECT_EQ(most({share_of("a", 1000000), share_of("b", 1000000), share_of("c", 1)}).back(),
            0xffffffff);
  EXPECT_EQ(most({share_of("a", 1), share_of("b", 0xffffffff), share_of("c", 0xffffffff)}).front(),
            0u);
}

}  // namespace
}  // namespace sluice::table
