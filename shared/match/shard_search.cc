#include "shared/match/shard_search.h"

#include <algorithm>
#include <bit>

#include "shared/table/keys.h"
#include "shared/table/tab.h"

namespace sluice::match {

namespace {

using table::Entry;
using table::Offset;

constexpr std::uint32_t kMaxRegexes = 1 << 14;  // of a shard: against bytes that make no sense
constexpr std::uint32_t kLastBit = 63;          // stands for depth 63 and all deeper ones

std::uint32_t deepest(std::uint64_t depths) {
  if (depths == 0) return 0;
  const auto bit = static_cast<std::uint32_t>(63 - std::countl_zero(depths));
  return bit == kLastBit ? static_cast<std::uint32_t>(table::kMaxPathBytes) : bit;
}

}  // namespace

std::optional<Entry> ShardSearch::find(const table::Shard& shard) {
  if (trace_ != nullptr) trace_->hostname(reader_, shard);
  prefix_bytes_ = 0;
  cut_path(deepest(shard.exact_depths | shard.prefix_depths));
  std::optional<Entry> entry = find_exact(shard);
  if (!entry && shard.regexes != 0) entry = find_regex(shard);
  if (!entry) entry = find_prefix(shard);
  return entry;
}

void ShardSearch::cut_path(std::uint32_t max_depth) {
  if (is_cut_ && (context_.cuts.whole() || max_depth <= cut_to_)) return;
  context_.cuts.cut(seed_, path_, max_depth);
  cut_to_ = max_depth;
  is_cut_ = true;
}

// Finds the node of the path's first `depth` segments; `out` holds anything when there is none.
bool ShardSearch::find_node(const table::Tab& nodes, std::uint32_t depth, FoundNode& out) {
  const PathCuts::Cut& cut = context_.cuts.at(depth);
  const std::string_view path = path_.substr(0, cut.bytes);
  return table::find_in_tab(reader_, nodes, cut.hash, [&](Offset offset) {
    const std::byte* from = reader_.bytes_at(offset, 0, sizeof(table::Node));
    if (from == nullptr) return false;
    out = {table::Reader::copy<table::Node>(from), offset};
    if (out.node.path_bytes != path.size()) return false;
    const std::uint64_t entries = std::uint64_t{out.node.exact_entries} + out.node.prefix_entries;
    const std::uint64_t skip_bytes = sizeof(table::Node) + entries * sizeof(Entry);
    return reader_.text(offset, skip_bytes, path.size()) == path;
  });
}

std::optional<Entry> ShardSearch::find_exact(const table::Shard& shard) {
  const PathCuts& cuts = context_.cuts;
  if (!cuts.whole() || (shard.exact_depths & table::depth_bit(cuts.depth())) == 0) {
    return std::nullopt;
  }
  FoundNode found;
  if (!find_node(shard.nodes, cuts.depth(), found)) return std::nullopt;
  if (trace_ != nullptr) trace_->path(table::PathKind::kExact, path_);
  return entries_.first(
      {found.offset, sizeof(table::Node), found.node.exact_entries, found.node.exact_index});
}

std::optional<Entry> ShardSearch::find_prefix(const table::Shard& shard) {
  const std::uint32_t depth = context_.cuts.depth();
  // Depths that share the last bit, then one bit each.
  for (std::uint32_t d = depth; d >= kLastBit; --d) {
    if ((shard.prefix_depths >> kLastBit) == 0) break;
    if (auto entry = try_prefix(shard, d)) return entry;
  }
  const std::uint64_t below =
      depth >= kLastBit ? ~std::uint64_t{0} >> 1 : (std::uint64_t{2} << depth) - 1;
  for (std::uint64_t depths = shard.prefix_depths & below; depths != 0;) {
    const auto d = static_cast<std::uint32_t>(63 - std::countl_zero(depths));
    depths &= ~(std::uint64_t{1} << d);
    if (auto entry = try_prefix(shard, d)) return entry;
  }
  return std::nullopt;
}

std::optional<Entry> ShardSearch::try_prefix(const table::Shard& shard, std::uint32_t depth) {
  FoundNode found;
  if (!find_node(shard.nodes, depth, found)) return std::nullopt;
  if (trace_ != nullptr) {
    trace_->path(table::PathKind::kPrefix, path_.substr(0, context_.cuts.at(depth).bytes));
  }
  const std::uint64_t exact_bytes = std::uint64_t{found.node.exact_entries} * sizeof(Entry);
  std::optional<Entry> entry = entries_.first({found.offset, sizeof(table::Node) + exact_bytes,
                                               found.node.prefix_entries, found.node.prefix_index});
  if (entry) prefix_bytes_ = static_cast<std::uint32_t>(context_.cuts.at(depth).bytes);
  return entry;
}

std::optional<Entry> ShardSearch::find_regex(const table::Shard& shard) {
  const auto list = reader_.read<table::RegexList>(shard.regexes);
  if (!list) {
    entries_.note_broken();
    return std::nullopt;
  }
  if (list->set_hash != 0 && trace_ == nullptr) {
    if (const auto hits = context_.regexes.match_set(list->set_hash, path_)) {
      for (const int hit : *hits) {
        const auto regex = reader_.read_element<table::RegexEntry>(
            shard.regexes, sizeof(table::RegexList), static_cast<std::uint32_t>(hit));
        if (regex && entries_.fits(regex->entry)) return regex->entry;
      }
      return std::nullopt;
    }
  }
  return walk_regexes(shard.regexes, *list);
}

std::optional<Entry> ShardSearch::walk_regexes(Offset offset, const table::RegexList& list) {
  for (std::uint32_t i = 0; i < std::min(list.count, kMaxRegexes); ++i) {
    const auto regex = reader_.read_element<table::RegexEntry>(offset, sizeof(table::RegexList), i);
    const auto pattern =
        regex ? reader_.text(regex->pattern, 0, regex->pattern_bytes) : std::nullopt;
    if (!pattern) {
      entries_.note_broken();
      return std::nullopt;
    }
    const bool matches = context_.regexes.matches(regex->pattern_id, *pattern, path_);
    if (trace_ != nullptr) {
      trace_->path(table::PathKind::kRegex, *pattern);
      if (!matches) trace_->candidate(reader_, regex->entry, {Verdict::kPath, {}, {}, path_});
    }
    if (matches && entries_.fits(regex->entry)) return regex->entry;
  }
  return std::nullopt;
}

}  // namespace sluice::match
