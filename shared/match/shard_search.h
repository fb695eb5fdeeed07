// Finds the rule for a path within one shard: Exact at the path's own depth, regular expressions,
// then prefixes from the deepest.
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing, but for a Trace and RE2.
// Tested by: test/unit/shared/match/matcher_test.cc, test/property/match_random_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/match/entries.h"
#include "shared/match/lookup_context.h"
#include "shared/match/trace.h"
#include "shared/table/format.h"
#include "shared/table/reader.h"

namespace sluice::match {

class ShardSearch {
 public:
  // REQUIRES: path.size() <= table::kMaxPathBytes. One search serves the shards of one request.
  ShardSearch(const table::Reader& reader, std::uint64_t seed, std::string_view path,
              EntryMatcher& entries, LookupContext& context, Trace* trace)
      : reader_(reader),
        seed_(seed),
        path_(path),
        entries_(entries),
        context_(context),
        trace_(trace) {}

  std::optional<table::Entry> find(const table::Shard& shard);

  // Of the path, when what find() found is a PathPrefix; else 0. The prefix "/" has 0 bytes.
  std::uint32_t prefix_bytes() const { return prefix_bytes_; }

 private:
  struct FoundNode {
    table::Node node;
    table::Offset offset;
  };

  void cut_path(std::uint32_t max_depth);
  bool find_node(const table::Tab& nodes, std::uint32_t depth, FoundNode& out);
  std::optional<table::Entry> find_exact(const table::Shard& shard);
  std::optional<table::Entry> find_regex(const table::Shard& shard);
  std::optional<table::Entry> find_prefix(const table::Shard& shard);
  std::optional<table::Entry> try_prefix(const table::Shard& shard, std::uint32_t depth);
  std::optional<table::Entry> walk_regexes(table::Offset offset, const table::RegexList& list);

  const table::Reader& reader_;
  std::uint64_t seed_;
  std::string_view path_;
  EntryMatcher& entries_;
  LookupContext& context_;
  Trace* trace_;
  std::uint32_t cut_to_ = 0;  // depth asked of the last cut
  bool is_cut_ = false;
  std::uint32_t prefix_bytes_ = 0;
};

}  // namespace sluice::match
