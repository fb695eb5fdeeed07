#include "shared/match/entries.h"

#include <algorithm>

#include "shared/base/bytes.h"
#include "shared/http/method.h"
#include "shared/http/query.h"
#include "shared/table/keys.h"
#include "shared/table/tab.h"

namespace sluice::match {

namespace {

using table::ConditionKind;
using table::Entry;
using table::Offset;

static_assert(http::kOtherMethodBit == table::kOtherMethod);

}  // namespace

std::optional<Entry> EntryMatcher::first(const EntryRun& run) {
  if (run.count == 0) return std::nullopt;
  return run.index == 0 || trace_ != nullptr ? first_by_walk(run) : first_by_index(run);
}

bool EntryMatcher::fits(const Entry& entry) {
  const Verdict verdict = check(entry);
  if (trace_ != nullptr) {
    loss_.verdict = verdict;
    trace_->candidate(reader_, entry, loss_);
    loss_ = {};
  }
  if (verdict == Verdict::kBroken) broken_ = true;
  return verdict == Verdict::kWon;
}

std::optional<Entry> EntryMatcher::first_by_walk(const EntryRun& run) {
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const auto entry = reader_.read_element<Entry>(run.node, run.skip_bytes, i);
    if (!entry) {
      broken_ = true;
      return std::nullopt;
    }
    if (fits(*entry)) return entry;
  }
  return std::nullopt;
}

std::optional<Entry> EntryMatcher::first_by_index(const EntryRun& run) {
  const auto index = reader_.read<table::HeaderIndex>(run.index);
  if (!index || index->names > table::kMaxIndexNames) {
    broken_ = true;
    return std::nullopt;
  }
  std::uint32_t best = run.count;
  for (std::uint32_t name = 0; name < index->names; ++name) {
    probe_index(run, *index, name, best);
  }
  first_of_list(run, index->residual, 0, index->residual_count, best);
  if (best == run.count) return std::nullopt;
  return reader_.read_element<Entry>(run.node, run.skip_bytes, best);
}

void EntryMatcher::probe_index(const EntryRun& run, const table::HeaderIndex& index,
                               std::uint32_t name, std::uint32_t& best) {
  const auto entry =
      reader_.read_element<table::IndexName>(run.index, sizeof(table::HeaderIndex), name);
  const auto text = entry ? reader_.text(entry->name, 0, entry->name_bytes) : std::nullopt;
  if (!text) {
    broken_ = true;
    return;
  }
  const std::optional<std::string_view> value = context_.facts.header(entry->name_hash, *text);
  if (!value) return;
  const std::uint64_t hash = table::header_key_hash(seed_, entry->name_hash, *value);
  const table::Tab tab{index.lines, index.line_off, 0, 0};
  table::find_in_tab(reader_, tab, hash, [&](Offset offset) {
    const auto bucket = reader_.read<table::IndexBucket>(offset);
    if (bucket && bucket->key_hash == table::bucket_key(hash)) {
      first_of_list(run, offset, sizeof(table::IndexBucket), bucket->count, best);
    }
    return false;  // another key may have the same hash
  });
}

void EntryMatcher::first_of_list(const EntryRun& run, Offset list, std::uint64_t skip_bytes,
                                 std::uint32_t count, std::uint32_t& best) {
  for (std::uint32_t i = 0; i < std::min(count, run.count); ++i) {
    const auto number = reader_.read_element<std::uint32_t>(list, skip_bytes, i);
    if (!number) {
      broken_ = true;
      return;
    }
    if (*number >= best) return;
    const auto entry = reader_.read_element<Entry>(run.node, run.skip_bytes, *number);
    if (entry && fits(*entry)) {
      best = *number;
      return;
    }
  }
}

Verdict EntryMatcher::check(const Entry& entry) {
  if (entry.methods != 0 && (entry.methods & request_.method) == 0) {
    return Verdict::kMethod;
  }
  const std::uint32_t count = std::uint32_t{entry.headers} + entry.queries;
  std::uint64_t position = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto condition = reader_.read_element<table::Condition>(entry.conditions, position, 0);
    if (!condition) return Verdict::kBroken;
    position += sizeof(table::Condition);
    const auto name = reader_.text(entry.conditions, position, condition->name_bytes);
    position += condition->name_bytes;
    const auto value = reader_.text(entry.conditions, position, condition->value_bytes);
    position = align_up(position + condition->value_bytes, 8);
    if (!name || !value) return Verdict::kBroken;
    const Verdict verdict = check_condition(*condition, *name, *value);
    if (verdict != Verdict::kWon) return verdict;
  }
  return Verdict::kWon;
}

Verdict EntryMatcher::check_condition(const table::Condition& condition, std::string_view name,
                                      std::string_view value) {
  switch (condition.kind) {
    case ConditionKind::kHeaderExact:
    case ConditionKind::kHeaderRegex: {
      const auto found = context_.facts.header(condition.name_hash, name);
      if (!found) return lose(Verdict::kHeaderMissing, name, value, {});
      const bool same = condition.kind == ConditionKind::kHeaderExact
                            ? *found == value
                            : context_.regexes.matches(condition.pattern, value, *found);
      return same ? Verdict::kWon : lose(Verdict::kHeaderDiffers, name, value, *found);
    }
    case ConditionKind::kQueryExact: {
      const auto found = context_.facts.query(name);
      if (!found) return lose(Verdict::kQueryMissing, name, value, {});
      const bool same = http::decodes_to(*found, value);
      return same ? Verdict::kWon : lose(Verdict::kQueryDiffers, name, value, *found);
    }
    case ConditionKind::kQueryRegex: {
      const auto found = context_.facts.decoded_query(name);
      if (!found) return lose(Verdict::kQueryMissing, name, value, {});
      const bool same = context_.regexes.matches(condition.pattern, value, *found);
      return same ? Verdict::kWon : lose(Verdict::kQueryDiffers, name, value, *found);
    }
  }
  return Verdict::kBroken;
}

Verdict EntryMatcher::lose(Verdict verdict, std::string_view name, std::string_view wanted,
                           std::string_view found) {
  if (trace_ != nullptr) loss_ = {verdict, name, wanted, found};
  return verdict;
}

}  // namespace sluice::match
