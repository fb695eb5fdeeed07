// A table that many changes led to equals the one that is written at once: whatever comes, goes,
// changes or fails for lack of room in between. And what is in it, nothing else, has a line in the
// file `counters`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "shared/table/table_counters.h"
#include "test/oracle/random_world.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using oracle::Contribution;
using oracle::Random;
using oracle::World;

// What the editor was told, without its history.
struct Told {
  std::map<std::uint32_t, ListenerSpec> listeners;
  std::map<std::tuple<std::uint32_t, Host, std::string>, std::vector<Rule>> rules;
};

class Script {
 public:
  Script(std::uint64_t seed, const oracle::WorldShape& shape) : random_(seed) {
    for (int i = 0; i < 3; ++i) {
      worlds_.push_back(oracle::random_world(random_, shape));
    }
  }

  void step(Editor& editor) {
    const World& world = random_.pick(worlds_);
    const std::uint32_t what = random_.below(100);
    if (what < 55) {
      put_rules(editor, random_.pick(world.contributions));
    } else if (what < 80) {
      remove_rules(editor);
    } else if (what < 95) {
      const ListenerSpec& spec = random_.pick(world.listeners);
      editor.put_listener(spec);
      told_.listeners[spec.id] = spec;
    } else {
      remove_listener(editor, random_.pick(world.listeners).id);
    }
  }

  void steps(Editor& editor, std::uint32_t count) {
    for (; count > 0; --count)
      step(editor);
  }

  void remove_rules(Editor& editor) {
    if (told_.rules.empty()) return;
    const auto count = static_cast<std::uint32_t>(told_.rules.size());
    const auto victim = std::next(told_.rules.begin(), random_.below(count));
    const auto& [listener, host, route] = victim->first;
    editor.put_route(listener, host, route, {});
    told_.rules.erase(victim);
  }

  Random& random() { return random_; }

  // The routes of streams that have rules, and the sockets that have listeners.
  std::set<std::string> streams() const {
    std::set<std::string> names;
    for (const auto& [key, rules] : told_.rules) {
      for (const Rule& rule : rules) {
        if (is_counted(rule.action->route_kind)) names.insert(rule.action->route);
      }
    }
    return names;
  }

  std::set<SocketKey> sockets() const {
    std::set<SocketKey> keys;
    for (const auto& [id, spec] : told_.listeners)
      keys.insert(spec.sockets.begin(), spec.sockets.end());
    return keys;
  }

  // The same content, told to a new editor in another order.
  std::string written_at_once() {
    TableFixture fresh;
    std::vector<decltype(told_.rules)::const_iterator> order;
    for (auto rules = told_.rules.begin(); rules != told_.rules.end(); ++rules) {
      order.push_back(rules);
    }
    std::shuffle(order.begin(), order.end(), std::mt19937(random_.below(1000)));
    for (const auto& rules : order) {
      const auto& [listener, host, route] = rules->first;
      fresh.editor().put_route(listener, host, route, rules->second);
    }
    for (const auto& [id, spec] : told_.listeners) {
      fresh.editor().put_listener(spec);
    }
    return fresh.committed();
  }

 private:
  void put_rules(Editor& editor, const Contribution& contribution) {
    std::vector<Rule> rules = contribution.rules;
    if (contribution.route.back() % 2 == 0) become_streams(rules);
    if (random_.percent(30)) rules.resize(random_.below(static_cast<std::uint32_t>(rules.size())));
    editor.put_route(contribution.listener, contribution.hostname, contribution.route, rules);
    const std::tuple key(contribution.listener, contribution.hostname, contribution.route);
    told_.rules.erase(key);
    if (!rules.empty()) told_.rules[key] = rules;
  }

  static void become_streams(std::vector<Rule>& rules) {
    for (Rule& rule : rules) {
      auto action = std::make_shared<RuleAction>(*rule.action);
      action->route_kind = RouteKind::kTcpRoute;
      rule.action = std::move(action);
    }
  }

  void remove_listener(Editor& editor, std::uint32_t id) {
    editor.remove_listener(id);
    told_.listeners.erase(id);
    std::erase_if(told_.rules, [id](const auto& entry) { return std::get<0>(entry.first) == id; });
  }

  Random random_;
  std::vector<World> worlds_;
  Told told_;
};

std::set<std::string> counted_routes(TableFixture& table) {
  std::set<std::string> names;
  table.endpoints().counters().routes.for_each(
      [&](const RouteName& route, const arena::RouteCounter&) {
        EXPECT_TRUE(names.insert(route.name).second) << "a second line of " << route.name;
      });
  return names;
}

std::set<SocketKey> counted_sockets(TableFixture& table) {
  std::set<SocketKey> keys;
  table.endpoints().counters().sockets.for_each(
      [&](const SocketKey& socket, const arena::SocketCounter&) {
        EXPECT_TRUE(keys.insert(socket).second) << "a second line of a socket";
      });
  return keys;
}

int rounds(int normal) {
  const char* wanted = std::getenv("SLUICE_REBUILDS");
  return wanted != nullptr ? std::atoi(wanted) : normal;
}

void expect_counters_of(TableFixture& table, const Script& script) {
  EXPECT_EQ(counted_routes(table), script.streams());
  EXPECT_EQ(counted_sockets(table), script.sockets());
}

// Commits what some steps changed.
void change(TableFixture& table, Script& script) {
  script.steps(table.editor(), 1 + script.random().below(8));
  table.committed();
  if (script.random().percent(5)) {
    const Result<void> compacted = table.editor().compact();
    EXPECT_TRUE(compacted) << compacted.error().message;
  }
  table.arena().reclaim(0);
  expect_counters_of(table, script);
}

TEST(EditorRebuildTest, ChangesLeadToTheSameTableAsWritingItAtOnce) {
  for (int round = 0; round < rounds(12) && !HasFailure(); ++round) {
    TableFixture table;
    Script script(static_cast<std::uint64_t>(round), {});
    for (int commit = 0; commit < 25 && !HasFailure(); ++commit) {
      SCOPED_TRACE("seed " + std::to_string(round) + ", commit " + std::to_string(commit));
      change(table, script);
      if (commit % 6 != 0) continue;
      EXPECT_EQ(table.dumped(), script.written_at_once());
    }
  }
}

// Rules that overlap in few paths and headers, so that nodes get long and indexed.
TEST(EditorRebuildTest, LongNodesAreTheSameToo) {
  oracle::WorldShape shape;
  shape.listeners = 1;
  shape.routes = 150;
  shape.condition_percent = 90;
  shape.header_values = 20;
  for (int round = 0; round < rounds(6); ++round) {
    SCOPED_TRACE("seed " + std::to_string(round));
    TableFixture table;
    Script script(1000 + static_cast<std::uint64_t>(round), shape);
    for (int commit = 0; commit < 10; ++commit) {
      script.steps(table.editor(), 40);
      table.committed();
    }
    ASSERT_EQ(table.dumped(), script.written_at_once());
  }
}

arena::ArenaOptions small_arena() {
  arena::ArenaOptions options;
  options.segment_bytes = std::size_t{16} << 10;
  options.reserve_bytes = std::size_t{24} << 10;
  return options;
}

// An arena in which most changes find no room.
class FullArena {
 public:
  explicit FullArena(std::uint64_t seed) : table_(small_arena()), script_(seed, {}) {
    EXPECT_TRUE(table_.editor().commit());
    published_ = table_.dumped();
  }

  void change() {
    script_.steps(table_.editor(), 1 + script_.random().below(8));
    Result<void> done = table_.editor().commit();
    if (!done) {
      ++failures_;
      EXPECT_EQ(done.error().code, Errc::kFull) << done.error().message;
      EXPECT_EQ(table_.dumped(), published_) << "a commit that failed changes nothing";
      done = table_.editor().compact();
      if (done) ++compactions_;
    }
    table_.arena().reclaim(0);
    if (done) published_ = table_.dumped();
    EXPECT_EQ(table_.dumped(), published_);
  }

  // With less to write there is room again.
  void make_room() {
    Result<void> done = table_.editor().commit();
    for (int i = 0; i < 1000 && !done; ++i) {
      script_.remove_rules(table_.editor());
      done = table_.editor().compact();
      table_.arena().reclaim(0);
    }
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(table_.dumped(), script_.written_at_once());
    expect_counters_of(table_, script_);
  }

  int failures() const { return failures_; }

  int compactions() const { return compactions_; }

 private:
  TableFixture table_;
  Script script_;
  std::string published_;
  int failures_ = 0;
  int compactions_ = 0;
};

TEST(EditorRebuildTest, AFullArenaOnlyDelaysWhatIsWritten) {
  int failures = 0;
  int compactions = 0;
  for (int round = 0; round < rounds(12) && !HasFailure(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(round));
    FullArena full(2000 + static_cast<std::uint64_t>(round));
    for (int commit = 0; commit < 60 && !HasFailure(); ++commit)
      full.change();
    full.make_room();
    failures += full.failures();
    compactions += full.compactions();
  }
  EXPECT_GT(failures, 0);
  EXPECT_GT(compactions, 0);
}

}  // namespace
}  // namespace sluice::table
