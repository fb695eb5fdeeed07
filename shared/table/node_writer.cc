#include "shared/table/node_writer.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "shared/http/header.h"
#include "shared/table/blob_builder.h"
#include "shared/table/header_index_writer.h"
#include "shared/table/narrow.h"
#include "shared/table/precedence.h"

namespace sluice::table {
namespace {

std::size_t count_headers(const Rule& rule) {
  return static_cast<std::size_t>(std::ranges::count_if(rule.conditions, is_header));
}

Entry entry_record(const WriteContext& context, const Rule& rule) {
  const std::size_t headers = count_headers(rule);
  Entry entry{};
  entry.action = context.action(*rule.action);
  entry.methods = rule.methods;
  entry.headers = narrow8(headers);
  entry.queries = narrow8(rule.conditions.size() - headers);
  entry.rule = rule.action->rule;
  entry.match = rule.match;
  return entry;
}

void add_condition(BlobBuilder& blob, const PatternBook& patterns, const RuleCondition& condition) {
  Condition record{};
  record.name_hash = is_header(condition) ? http::header_name_hash(condition.name) : 0;
  record.name_bytes = narrow16(condition.name.size());
  record.value_bytes = narrow16(condition.value.size());
  record.pattern = is_regex(condition) ? patterns.id(condition.value) : 0;
  record.kind = condition.kind;
  blob.add(record);
  blob.continue_text(std::string_view(condition.name).substr(0, record.name_bytes));
  blob.continue_text(std::string_view(condition.value).substr(0, record.value_bytes));
}

// Headers first, then queries, each in the rule's order; `entry` is the record that leads to them.
void add_conditions(BlobBuilder& blob, const PatternBook& patterns, const Rule& rule,
                    std::size_t entry) {
  if (rule.conditions.empty()) return;
  blob.align(8);
  blob.link(entry + offsetof(Entry, conditions), blob.size());
  for (const bool headers : {true, false}) {
    for (const RuleCondition& condition : rule.conditions) {
      if (is_header(condition) == headers) add_condition(blob, patterns, condition);
    }
  }
}

}  // namespace

Blob write_node(const WriteContext& context, std::string_view path, std::span<const RulePtr> exact,
                std::span<const RulePtr> prefix) {
  BlobBuilder blob;
  Node node{};
  node.exact_entries = static_cast<std::uint32_t>(exact.size());
  node.prefix_entries = static_cast<std::uint32_t>(prefix.size());
  node.path_bytes = static_cast<std::uint32_t>(path.size());
  blob.add(node);
  const std::size_t entries = blob.reserve((exact.size() + prefix.size()) * sizeof(Entry));
  blob.add_text(path);
  std::size_t at = entries;
  for (const std::span<const RulePtr> rules : {exact, prefix}) {
    for (const RulePtr& rule : rules) {
      blob.put(at, entry_record(context, *rule));
      add_conditions(blob, context.patterns, *rule, at);
      at += sizeof(Entry);
    }
  }
  std::uint32_t alignment = 8;
  const auto index = [&](std::span<const RulePtr> rules, std::size_t field) {
    if (rules.size() < kIndexedFrom) return;
    const std::optional<std::size_t> position = add_header_index(blob, rules, context.seed);
    if (!position) return;
    blob.link(field, *position);
    alignment = 64;
  };
  index(exact, offsetof(Node, exact_index));
  index(prefix, offsetof(Node, prefix_index));
  return blob.write(context.tx, alignment);
}

Blob write_regex_list(const WriteContext& context, std::span<const RulePtr> regexes,
                      std::uint64_t set_hash) {
  BlobBuilder blob;
  blob.add(RegexList{static_cast<std::uint32_t>(regexes.size()), 0, set_hash});
  std::size_t at = blob.reserve(regexes.size() * sizeof(RegexEntry));
  for (const RulePtr& rule : regexes) {
    RegexEntry record{};
    record.pattern_bytes = narrow16(rule->path.size());
    record.pattern_id = context.patterns.id(rule->path);
    record.entry = entry_record(context, *rule);
    blob.put(at, record);
    blob.link(at + offsetof(RegexEntry, pattern), blob.add_text(rule->path));
    add_conditions(blob, context.patterns, *rule, at + offsetof(RegexEntry, entry));
    at += sizeof(RegexEntry);
  }
  return blob.write(context.tx, 8);
}

}  // namespace sluice::table
