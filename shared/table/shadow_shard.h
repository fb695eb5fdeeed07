// The rules of one original route hostname on one listener, on the heap: by route, as they were
// put, and by path, as they are written.
//
// put_route() compares a route's rules with those it had: an equal rule keeps its object, so that
// only paths with a rule that came, went or changed are written again. Matches of one rule share
// one action, and so does everything that is written of it.
//
// Process: controller.   Thread: event loop.   Tested by: test/unit/shared/table/editor_test.cc,
// test/property/editor_rebuild_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shared/arena/counter_ref.h"
#include "shared/table/kind_counts.h"
#include "shared/table/node_writer.h"
#include "shared/table/pattern_book.h"
#include "shared/table/rules.h"
#include "shared/table/tab_writer.h"
#include "shared/table/transaction.h"

namespace sluice::table {

class EndpointTable;

struct ShardKey {
  std::uint32_t listener = 0;
  Host host;
  auto operator<=>(const ShardKey&) const = default;
};

class ShadowShard {
 public:
  explicit ShadowShard(ShardKey key) : key_(std::move(key)) {}

  ShadowShard(const ShadowShard&) = delete;
  ShadowShard& operator=(const ShadowShard&) = delete;

  // Replaces what `route` contributes. Whether anything is to be written.
  bool put_route(std::string_view route, std::vector<Rule> rules, PatternBook& patterns);
  bool remove_all(PatternBook& patterns);

  bool empty() const { return rules_ == 0; }

  const ShardKey& key() const { return key_; }

  const Slot& slot() const { return slot_; }

  // Writes what is marked (all of it when the transaction moves) and a new Shard record, or removes
  // all when empty. Fails: in the transaction; then the marks stay.
  void write(Transaction& tx, EndpointTable& endpoints, const PatternBook& patterns,
             std::uint64_t seed);

  // After the root was published: takes the marks away, and gives back the lines of actions that
  // are gone.
  void settle(EndpointTable& endpoints);

 private:
  struct ShadowNode {
    std::vector<RulePtr> exact;
    std::vector<RulePtr> prefix;
    Slot slot;
    bool marked = false;
  };

  struct ShadowAction {
    Slot slot;
    arena::CounterRef counter;  // none: not written yet, or not counted
    std::uint32_t rules = 0;
  };

  using Nodes = std::map<std::string, ShadowNode, std::less<>>;

  void attach(const RulePtr& rule, PatternBook& patterns);
  void detach(const RulePtr& rule, PatternBook& patterns);
  void mark(Nodes::value_type& node);
  void refresh_set(PatternBook& patterns);
  Offset action_offset(Transaction& tx, EndpointTable& endpoints, const RuleAction& action);
  std::vector<TabChange> write_nodes(const WriteContext& context);
  void write_node_into(const WriteContext& context, Nodes::value_type& node,
                       std::vector<TabChange>& changes);
  void write_record(Transaction& tx);

  ShardKey key_;
  std::map<std::string, std::vector<RulePtr>, std::less<>> routes_;
  Nodes nodes_;
  std::vector<Nodes::value_type*> marked_nodes_;
  std::vector<RulePtr> regexes_;
  bool regexes_marked_ = false;
  bool set_stale_ = false;
  std::uint64_t set_hash_ = 0;  // 0: no automaton over the regexes
  std::unordered_map<const RuleAction*, ShadowAction> actions_;
  std::vector<ShadowAction> dropped_actions_;
  DepthCounts prefix_depths_;
  DepthCounts exact_depths_;
  std::uint32_t rules_ = 0;
  TabSlot node_tab_;
  Slot regex_slot_;
  Slot slot_;
};

}  // namespace sluice::table
