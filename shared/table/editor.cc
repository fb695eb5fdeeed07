#include "shared/table/editor.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "shared/arena/arena.h"
#include "shared/table/endpoints.h"
#include "shared/table/keys.h"
#include "shared/table/pattern_book.h"
#include "shared/table/shadow_listeners.h"
#include "shared/table/shadow_shard.h"
#include "shared/table/tab_writer.h"
#include "shared/table/table_counters.h"
#include "shared/table/transaction.h"

namespace sluice::table {

struct Editor::State {
  State(arena::Arena& its_arena, EndpointTable& its_endpoints, std::uint64_t its_seed)
      : arena(its_arena),
        endpoints(its_endpoints),
        seed(its_seed),
        generation(std::max(arena.predecessor_generation(), arena.published_generation())) {}

  arena::Arena& arena;
  EndpointTable& endpoints;
  std::uint64_t seed;
  std::uint64_t generation;

  PatternBook patterns;
  ShadowListeners listeners;
  std::map<ShardKey, ShadowShard> shards;
  std::set<ShardKey> marked_shards;
  TabSlot shard_tab;
  Slot root;
  bool never_published = true;

  bool marked() const {
    return never_published || patterns.changed() || listeners.marked() || !marked_shards.empty();
  }

  void prune() {
    if (!marked_shards.empty()) patterns.prune(generation);
  }

  void write(Transaction& tx);
  void write_shards(Transaction& tx);
  void write_root(Transaction& tx);
  void publish(Transaction& tx);
};

Editor::Editor(arena::Arena& arena, EndpointTable& endpoints, std::uint64_t hash_seed)
    : state_(std::make_unique<State>(arena, endpoints, hash_seed)) {}

Editor::~Editor() = default;

void Editor::put_listener(const ListenerSpec& listener) {
  state_->listeners.put(listener);
}

void Editor::remove_listener(std::uint32_t id) {
  State& state = *state_;
  auto shard = state.shards.lower_bound(ShardKey{id, Host{HostKind::kExact, {}}});
  for (; shard != state.shards.end() && shard->first.listener == id; ++shard) {
    if (!shard->second.remove_all(state.patterns)) continue;
    state.marked_shards.insert(shard->first);
    state.listeners.remove_host(id, shard->first.host);
  }
  state.listeners.remove(id);
}

void Editor::put_route(std::uint32_t listener, const Host& hostname, std::string_view route,
                       std::vector<Rule> rules) {
  State& state = *state_;
  const ShardKey key{listener, hostname};
  auto found = state.shards.find(key);
  if (found == state.shards.end()) {
    if (rules.empty()) return;
    found = state.shards.try_emplace(key, key).first;
  }
  ShadowShard& shard = found->second;
  const bool was_empty = shard.empty();
  if (!shard.put_route(route, std::move(rules), state.patterns)) return;
  state.marked_shards.insert(key);
  if (was_empty && !shard.empty()) state.listeners.add_host(listener, hostname);
  if (!was_empty && shard.empty()) state.listeners.remove_host(listener, hostname);
}

bool Editor::put_patterns(std::span<const std::string> patterns) {
  bool fresh = false;
  for (const std::string& pattern : patterns) {
    fresh |= state_->patterns.put(pattern, state_->generation);
  }
  return fresh;
}

Result<void> Editor::commit() {
  State& state = *state_;
  state.prune();
  if (!state.marked()) return {};
  Transaction tx(state.arena, Transaction::Kind::kChange);
  state.write(tx);
  if (tx.failed()) {
    tx.undo();
    return tl::unexpected<Error>(tx.error());
  }
  state.publish(tx);
  return {};
}

Result<void> Editor::compact() {
  State& state = *state_;
  if (Result<void> begun = state.arena.begin_compaction(); !begun) return begun;
  state.prune();
  Transaction tx(state.arena, Transaction::Kind::kMove);
  state.write(tx);
  if (!tx.failed()) {
    // Last, because slots that point into the new segment can't be taken back.
    if (Result<void> moved = state.endpoints.rewrite(); !moved) tx.fail(std::move(moved.error()));
  }
  if (tx.failed()) {
    tx.undo();
    return tl::unexpected<Error>(tx.error());
  }
  state.publish(tx);
  return {};
}

std::uint64_t Editor::generation() const {
  return state_->generation;
}

// Each step leads to what the steps before it wrote.
void Editor::State::write(Transaction& tx) {
  patterns.write(tx, generation + 1);
  write_shards(tx);
  listeners.write(tx, endpoints, seed);
  write_root(tx);
}

void Editor::State::write_shards(Transaction& tx) {
  std::vector<TabChange> changes;
  const auto write_shard = [&](ShadowShard& shard) {
    const Offset from = tx.offset(shard.slot());
    if (tx.failed() || (shard.empty() && from == 0)) return;
    shard.write(tx, endpoints, patterns, seed);
    const ShardKey& key = shard.key();
    changes.push_back({shard_key_hash(seed, key.listener, key.host.kind, key.host.name), from,
                       tx.offset(shard.slot())});
  };
  if (tx.moves()) {
    for (auto& [key, shard] : shards) {
      write_shard(shard);
    }
  } else {
    for (const ShardKey& key : marked_shards) {
      write_shard(shards.find(key)->second);
    }
  }
  update_tab(tx, shard_tab, changes, [&] {
    std::vector<TabKey> keys;
    for (const auto& [key, shard] : shards) {
      const Offset offset = tx.offset(shard.slot());
      if (offset == 0) continue;
      keys.push_back({shard_key_hash(seed, key.listener, key.host.kind, key.host.name), offset});
    }
    return keys;
  });
}

void Editor::State::write_root(Transaction& tx) {
  Root record{};
  record.generation = generation + 1;
  record.hash_seed = seed;
  record.patterns = tx.offset(patterns.slot());
  record.sockets = tx.tab(listeners.sockets());
  record.named = tx.tab(listeners.named());
  record.listeners = tx.tab(listeners.listeners());
  record.shards = tx.tab(shard_tab);
  tx.replace(root, tx.write(std::as_bytes(std::span(&record, 1)), 64));
}

void Editor::State::publish(Transaction& tx) {
  const Offset offset = tx.offset(root);
  tx.keep();
  ++generation;
  arena.publish_root(offset, generation);
  for (const ShardKey& key : marked_shards) {
    const auto shard = shards.find(key);
    shard->second.settle(endpoints);
    if (shard->second.empty()) shards.erase(shard);
  }
  marked_shards.clear();
  listeners.settle(endpoints);
  patterns.settle();
  if (std::exchange(never_published, false)) endpoints.counters().lines.forget_unused();
}

}  // namespace sluice::table
