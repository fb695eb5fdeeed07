#include "shared/table/header_index_writer.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "shared/http/header.h"
#include "shared/table/keys.h"
#include "shared/table/tab_writer.h"

namespace sluice::table {
namespace {

using Entries = std::span<const std::shared_ptr<const Rule>>;
using HeaderKey = std::pair<std::string_view, std::string_view>;  // name, value

// The key that each entry is filed under; an empty name: none.
std::vector<HeaderKey> choose_keys(Entries entries) {
  std::map<HeaderKey, std::size_t> frequency;
  for (const auto& rule : entries) {
    for (const RuleCondition& condition : rule->conditions) {
      if (condition.kind == ConditionKind::kHeaderExact) {
        ++frequency[{condition.name, condition.value}];
      }
    }
  }
  std::vector<HeaderKey> chosen(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::pair<std::size_t, HeaderKey> best{entries.size() + 1, {}};
    for (const RuleCondition& condition : entries[i]->conditions) {
      if (condition.kind != ConditionKind::kHeaderExact) continue;
      const HeaderKey key{condition.name, condition.value};
      best = std::min(best, {frequency[key], key});
    }
    chosen[i] = best.second;
  }
  return chosen;
}

using HashedName = std::pair<std::uint32_t, std::string_view>;

// The names of the index: all, or those that file most entries.
std::set<HashedName> choose_names(const std::vector<HeaderKey>& keys) {
  std::map<std::string_view, std::int64_t> filed;
  for (const HeaderKey& key : keys) {
    if (!key.first.empty()) --filed[key.first];
  }
  std::vector<std::pair<std::int64_t, std::string_view>> ranked;
  ranked.reserve(filed.size());
  for (const auto& [name, negative] : filed) {
    ranked.emplace_back(negative, name);
  }
  std::ranges::sort(ranked);
  if (ranked.size() > kMaxIndexNames) ranked.resize(kMaxIndexNames);
  std::set<HashedName> names;
  for (const auto& [negative, name] : ranked) {
    names.emplace(http::header_name_hash(name), name);
  }
  return names;
}

}  // namespace

std::optional<std::size_t> add_header_index(BlobBuilder& blob, Entries entries,
                                            std::uint64_t seed) {
  const std::vector<HeaderKey> keys = choose_keys(entries);
  const std::set<HashedName> names = choose_names(keys);
  if (names.empty()) return std::nullopt;

  // A bucket belongs to a name's hash: names that share one share it, entries decide.
  std::map<std::pair<std::uint32_t, std::string_view>, std::vector<std::uint32_t>> buckets;
  std::vector<std::uint32_t> residual;
  for (std::uint32_t i = 0; i < keys.size(); ++i) {
    const std::uint32_t hash = http::header_name_hash(keys[i].first);
    if (!keys[i].first.empty() && names.contains({hash, keys[i].first})) {
      buckets[{hash, keys[i].second}].push_back(i);
    } else {
      residual.push_back(i);
    }
  }

  HeaderIndex index{};
  index.names = static_cast<std::uint32_t>(names.size());
  index.residual_count = static_cast<std::uint32_t>(residual.size());
  const std::size_t head = blob.add(index);
  std::size_t at = blob.reserve(names.size() * sizeof(IndexName));
  for (const auto& [hash, name] : names) {
    blob.put(at, IndexName{hash, static_cast<std::uint32_t>(name.size()), 0, 0});
    blob.link(at + offsetof(IndexName, name), blob.add_text(name));
    at += sizeof(IndexName);
  }
  if (!residual.empty()) {
    blob.align(8);
    blob.link(head + offsetof(HeaderIndex, residual), blob.size());
    for (const std::uint32_t entry : residual) {
      blob.add_number(entry);
    }
  }

  std::vector<TabKey> positions;  // of the buckets in this blob, instead of offsets
  for (const auto& [key, filed] : buckets) {
    const std::uint64_t hash = header_key_hash(seed, key.first, key.second);
    const std::size_t bucket =
        blob.add(IndexBucket{static_cast<std::uint32_t>(filed.size()), bucket_key(hash)});
    for (const std::uint32_t entry : filed) {
      blob.add_number(entry);
    }
    positions.push_back({hash, static_cast<Offset>(bucket / 8)});
  }
  const std::vector<Line> lines = build_lines(positions);
  index.lines = static_cast<std::uint32_t>(lines.size());
  blob.put(head + offsetof(HeaderIndex, lines), index.lines);
  blob.align(64);
  blob.link(head + offsetof(HeaderIndex, line_off), blob.size());
  for (const Line& line : lines) {
    const std::size_t position = blob.add(line);
    for (std::size_t pair = 0; pair < line.count; ++pair) {
      blob.link(position + offsetof(Line, off) + pair * sizeof(Offset),
                std::size_t{line.off[pair]} * 8);
    }
  }
  return head;
}

}  // namespace sluice::table
