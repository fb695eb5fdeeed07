#include "shared/table/shadow_shard.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "shared/table/action_writer.h"
#include "shared/table/blob_builder.h"
#include "shared/table/endpoints.h"
#include "shared/table/keys.h"
#include "shared/table/narrow.h"
#include "shared/table/precedence.h"
#include "shared/table/table_counters.h"

namespace sluice::table {
namespace {

bool same(const Rule& a, const Rule& b) {
  return a.path_kind == b.path_kind && a.path == b.path && a.methods == b.methods &&
         a.conditions == b.conditions && a.created == b.created && a.match == b.match &&
         (a.action == b.action || *a.action == *b.action);
}

// Takes the object out of `old` that says the same as `rule`, most likely the one at `hint`.
RulePtr take_same(std::vector<RulePtr>& old, const Rule& rule, std::size_t hint) {
  if (hint < old.size() && old[hint] != nullptr && same(*old[hint], rule)) {
    return std::move(old[hint]);
  }
  for (RulePtr& candidate : old) {
    if (candidate != nullptr && same(*candidate, rule)) return std::move(candidate);
  }
  return nullptr;
}

void insert_sorted(std::vector<RulePtr>& rules, const RulePtr& rule) {
  const auto before = [](const RulePtr& a, const RulePtr& b) { return precedes(*a, *b); };
  rules.insert(std::ranges::upper_bound(rules, rule, before), rule);
}

std::uint32_t depth_of(std::string_view path) {
  return path_key(0, path).depth;
}

}  // namespace

bool ShadowShard::put_route(std::string_view route, std::vector<Rule> rules,
                            PatternBook& patterns) {
  std::vector<RulePtr> old;
  const auto found = routes_.find(route);
  if (found != routes_.end()) old = std::move(found->second);
  std::map<std::uint16_t, std::shared_ptr<const RuleAction>> known;  // by rule
  for (const RulePtr& rule : old) {
    known[rule->action->rule] = rule->action;
  }

  std::vector<RulePtr> current;
  std::vector<RulePtr> fresh;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    RulePtr kept = take_same(old, rules[i], i);
    if (kept == nullptr) {
      const auto action = known.find(rules[i].action->rule);
      if (action != known.end() && *action->second == *rules[i].action) {
        rules[i].action = action->second;
      }
      kept = std::make_shared<const Rule>(std::move(rules[i]));
      fresh.push_back(kept);
    }
    current.push_back(std::move(kept));
  }
  // First what comes, then what goes: a pattern or action used by both stays.
  bool changed = !fresh.empty();
  for (const RulePtr& rule : fresh) {
    attach(rule, patterns);
  }
  for (const RulePtr& rule : old) {
    if (rule == nullptr) continue;
    detach(rule, patterns);
    changed = true;
  }
  if (set_stale_) refresh_set(patterns);
  if (!current.empty()) {
    routes_.insert_or_assign(std::string(route), std::move(current));
  } else if (found != routes_.end()) {
    routes_.erase(found);
  }
  return changed;
}

bool ShadowShard::remove_all(PatternBook& patterns) {
  bool changed = false;
  while (!routes_.empty()) {
    const std::string route = routes_.begin()->first;
    changed |= put_route(route, {}, patterns);
  }
  return changed;
}

void ShadowShard::attach(const RulePtr& rule, PatternBook& patterns) {
  ++rules_;
  ++actions_[rule->action.get()].rules;
  for (const RuleCondition& condition : rule->conditions) {
    if (is_regex(condition)) patterns.acquire(condition.value);
  }
  if (rule->path_kind == PathKind::kRegex) {
    patterns.acquire(rule->path);
    insert_sorted(regexes_, rule);
    regexes_marked_ = set_stale_ = true;
    return;
  }
  Nodes::value_type& node = *nodes_.try_emplace(rule->path).first;
  const bool exact = rule->path_kind == PathKind::kExact;
  std::vector<RulePtr>& list = exact ? node.second.exact : node.second.prefix;
  if (list.empty()) (exact ? exact_depths_ : prefix_depths_).add(depth_of(rule->path));
  insert_sorted(list, rule);
  mark(node);
}

void ShadowShard::detach(const RulePtr& rule, PatternBook& patterns) {
  --rules_;
  const auto action = actions_.find(rule->action.get());
  if (--action->second.rules == 0) {
    dropped_actions_.push_back(action->second);
    actions_.erase(action);
  }
  for (const RuleCondition& condition : rule->conditions) {
    if (is_regex(condition)) patterns.release(condition.value);
  }
  if (rule->path_kind == PathKind::kRegex) {
    patterns.release(rule->path);
    std::erase(regexes_, rule);
    regexes_marked_ = set_stale_ = true;
    return;
  }
  Nodes::value_type& node = *nodes_.find(rule->path);
  const bool exact = rule->path_kind == PathKind::kExact;
  std::vector<RulePtr>& list = exact ? node.second.exact : node.second.prefix;
  std::erase(list, rule);
  if (list.empty()) (exact ? exact_depths_ : prefix_depths_).remove(depth_of(rule->path));
  mark(node);
}

void ShadowShard::mark(Nodes::value_type& node) {
  if (node.second.marked) return;
  node.second.marked = true;
  marked_nodes_.push_back(&node);
}

void ShadowShard::refresh_set(PatternBook& patterns) {
  set_stale_ = false;
  const std::uint64_t old = std::exchange(set_hash_, 0);
  if (regexes_.size() >= kSetFrom) {
    std::vector<std::uint32_t> ids;
    ids.reserve(regexes_.size());
    for (const RulePtr& rule : regexes_) {
      ids.push_back(patterns.id(rule->path));
    }
    set_hash_ = patterns.acquire_set(std::move(ids));
  }
  if (old != 0) patterns.release_set(old);
}

Offset ShadowShard::action_offset(Transaction& tx, EndpointTable& endpoints,
                                  const RuleAction& action) {
  ShadowAction& shadow = actions_.find(&action)->second;
  if (tx.offset(shadow.slot) != 0) return tx.offset(shadow.slot);
  if (shadow.counter.incarnation == 0 && is_counted(action.route_kind)) {
    const RouteName name{action.route_kind, action.route};
    Result<arena::CounterRef> line = endpoints.counters().routes.acquire(name);
    if (!line) {
      tx.fail(std::move(line.error()));
      return 0;
    }
    shadow.counter = *line;
  }
  tx.replace(shadow.slot, write_action(tx, endpoints, action, shadow.counter));
  return tx.offset(shadow.slot);
}

std::vector<TabChange> ShadowShard::write_nodes(const WriteContext& context) {
  std::vector<TabChange> changes;
  if (context.tx.moves()) {
    for (Nodes::value_type& node : nodes_) {
      write_node_into(context, node, changes);
    }
  } else {
    for (Nodes::value_type* node : marked_nodes_) {
      write_node_into(context, *node, changes);
    }
  }
  return changes;
}

void ShadowShard::write_node_into(const WriteContext& context, Nodes::value_type& node,
                                  std::vector<TabChange>& changes) {
  const auto& [path, rules] = node;
  const Offset from = context.tx.offset(rules.slot);
  const bool gone = rules.exact.empty() && rules.prefix.empty();
  if (context.tx.failed() || (gone && from == 0)) return;
  const Blob blob = gone ? Blob{} : write_node(context, path, rules.exact, rules.prefix);
  context.tx.replace(node.second.slot, blob);
  changes.push_back({path_key(context.seed, path).hash, from, blob.offset});
}

void ShadowShard::write(Transaction& tx, EndpointTable& endpoints, const PatternBook& patterns,
                        std::uint64_t seed) {
  const WriteContext context{tx, patterns, seed, [&](const RuleAction& action) {
                               return action_offset(tx, endpoints, action);
                             }};
  const std::vector<TabChange> changes = write_nodes(context);
  update_tab(tx, node_tab_, changes, [&] {
    std::vector<TabKey> keys;
    for (const auto& [path, node] : nodes_) {
      const Offset offset = tx.offset(node.slot);
      if (offset != 0) keys.push_back({path_key(seed, path).hash, offset});
    }
    return keys;
  });
  if (regexes_marked_ || tx.moves()) {
    tx.replace(regex_slot_,
               regexes_.empty() ? Blob{} : write_regex_list(context, regexes_, set_hash_));
  }
  for (ShadowAction& dropped : dropped_actions_) {
    tx.replace(dropped.slot, Blob{});
  }
  if (empty()) {
    tx.replace(slot_, Blob{});
  } else {
    write_record(tx);
  }
}

void ShadowShard::write_record(Transaction& tx) {
  BlobBuilder blob;
  Shard shard{};
  shard.prefix_depths = prefix_depths_.mask();
  shard.exact_depths = exact_depths_.mask();
  shard.nodes = tx.tab(node_tab_);
  shard.listener = key_.listener;
  shard.rules = rules_;
  shard.hostname_bytes = narrow16(key_.host.name.size());
  shard.hostname_kind = key_.host.kind;
  shard.regexes = tx.offset(regex_slot_);
  const std::size_t head = blob.add(shard);
  if (!key_.host.name.empty()) {
    blob.link(head + offsetof(Shard, hostname), blob.add_text(key_.host.name));
  }
  tx.replace(slot_, blob.write(tx, 64));
}

void ShadowShard::settle(EndpointTable& endpoints) {
  for (Nodes::value_type* marked : marked_nodes_) {
    marked->second.marked = false;
    if (marked->second.exact.empty() && marked->second.prefix.empty()) {
      nodes_.erase(nodes_.find(marked->first));
    }
  }
  marked_nodes_.clear();
  for (const ShadowAction& dropped : dropped_actions_) {
    if (dropped.counter.incarnation == 0) continue;
    endpoints.counters().routes.release(dropped.counter.line);
  }
  dropped_actions_.clear();
  regexes_marked_ = false;
}

}  // namespace sluice::table
