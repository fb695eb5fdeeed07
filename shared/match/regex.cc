#include "shared/match/regex.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::match {

namespace {

constexpr std::int64_t kPatternMemory = std::int64_t{1} << 20;
constexpr std::int64_t kSetMemory = std::int64_t{8} << 20;
constexpr std::size_t kMaxPatterns = 1 << 16;  // against a table whose bytes make no sense
constexpr std::uint32_t kMaxSetMembers = 1 << 14;

RE2::Options options(std::int64_t memory) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory);
  options.set_never_capture(true);
  return options;
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

std::unique_ptr<RE2> compile(std::string_view pattern) {
  return std::make_unique<RE2>(piece(pattern.substr(0, kMaxPatternBytes + 1)),
                               options(kPatternMemory));
}

struct Compiled {
  std::unique_ptr<RE2> regex;
  std::uint64_t listed = 0;  // generation of the last list that had it

  bool is(std::string_view pattern) const { return regex->pattern() == pattern; }
};

struct CompiledSet {
  std::unique_ptr<RE2::Set> set;  // null: it does not compile within the memory
  std::vector<std::string> patterns;
  std::uint64_t listed = 0;
};

}  // namespace

Result<void> check_pattern(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return fail(Errc::kInvalid, "the regular expression is longer than 1024 bytes");
  }
  const std::unique_ptr<RE2> regex = compile(pattern);
  if (!regex->ok()) {
    return fail(Errc::kInvalid, "RE2 does not accept the regular expression: " + regex->error());
  }
  return {};
}

struct RegexCache::State {
  std::unordered_map<std::uint32_t, Compiled> patterns;
  std::unordered_map<std::uint64_t, CompiledSet> sets;
  std::vector<int> hits;
  std::uint64_t late = 0;

  // Progress through the list of `generation`.
  std::uint64_t generation = 0;
  std::uint32_t next_pattern = 0;
  std::uint32_t next_set = 0;
  bool complete = true;

  void restart(std::uint64_t list_generation);
  // Each returns whether it compiled anything.
  bool warm_pattern(const table::Reader& reader, const table::PatternList& list);
  bool warm_set(const table::Reader& reader, const table::PatternList& list);
  bool collect(const table::Reader& reader, table::Offset offset, const table::PatternSet& record,
               std::vector<std::string>& texts) const;
  void finish();
};

void RegexCache::State::restart(std::uint64_t list_generation) {
  generation = list_generation;
  next_pattern = 0;
  next_set = 0;
  complete = false;
}

bool RegexCache::State::warm_pattern(const table::Reader& reader, const table::PatternList& list) {
  const auto record = reader.read_element<table::Pattern>(list.patterns, 0, next_pattern);
  if (!record || patterns.size() >= kMaxPatterns) {
    next_pattern = list.count;  // nothing sensible follows
    return false;
  }
  ++next_pattern;
  const std::optional<std::string_view> text = reader.text(record->text, 0, record->text_bytes);
  if (!text || text->size() > kMaxPatternBytes) return false;
  Compiled& compiled = patterns[record->id];
  compiled.listed = generation;
  if (compiled.regex != nullptr && compiled.is(*text)) return false;
  compiled.regex = compile(*text);
  return true;
}

bool RegexCache::State::collect(const table::Reader& reader, table::Offset offset,
                                const table::PatternSet& record,
                                std::vector<std::string>& texts) const {
  if (record.count > kMaxSetMembers) return false;
  for (std::uint32_t i = 0; i < record.count; ++i) {
    const auto id = reader.read_element<std::uint32_t>(offset, sizeof(table::PatternSet), i);
    if (!id) return false;
    const auto pattern = patterns.find(*id);
    if (pattern == patterns.end() || !pattern->second.regex->ok()) return false;
    texts.push_back(pattern->second.regex->pattern());
  }
  return true;
}

bool RegexCache::State::warm_set(const table::Reader& reader, const table::PatternList& list) {
  const auto offset = reader.read_element<table::Offset>(list.set_off, 0, next_set);
  if (!offset || sets.size() >= kMaxPatterns) {
    next_set = list.sets;
    return false;
  }
  ++next_set;
  const std::optional<table::PatternSet> record = reader.read<table::PatternSet>(*offset);
  std::vector<std::string> texts;
  if (!record || !collect(reader, *offset, *record, texts)) return false;
  CompiledSet& compiled = sets[record->hash];
  compiled.listed = generation;
  if (compiled.patterns == texts) return false;
  compiled.patterns = std::move(texts);
  auto set = std::make_unique<RE2::Set>(options(kSetMemory), RE2::ANCHOR_BOTH);
  bool accepted = true;
  for (const std::string& text : compiled.patterns) {
    accepted = accepted && set->Add(piece(text), nullptr) >= 0;
  }
  compiled.set = accepted && set->Compile() ? std::move(set) : nullptr;
  return true;
}

void RegexCache::State::finish() {
  std::erase_if(patterns, [this](const auto& entry) { return entry.second.listed != generation; });
  std::erase_if(sets, [this](const auto& entry) { return entry.second.listed != generation; });
  complete = true;
}

RegexCache::RegexCache() : state_(std::make_unique<State>()) {}

RegexCache::~RegexCache() = default;

RegexCache::Warmth RegexCache::warm(const table::Reader& reader, std::uint64_t budget_us,
                                    std::uint64_t (*now_us)()) {
  const std::optional<table::Root> root = reader.read<table::Root>(reader.root());
  const table::Offset offset = root ? root->patterns : 0;
  const auto list = reader.read<table::PatternList>(offset).value_or(table::PatternList{});
  if (list.generation != state_->generation) state_->restart(list.generation);
  if (state_->complete) return {true, list.generation};
  const std::uint64_t start = now_us();
  while (state_->next_pattern < list.count || state_->next_set < list.sets) {
    const bool compiled = state_->next_pattern < list.count ? state_->warm_pattern(reader, list)
                                                            : state_->warm_set(reader, list);
    if (compiled && now_us() - start >= budget_us) return {false, list.generation};
  }
  state_->finish();
  return {true, list.generation};
}

bool RegexCache::matches(std::uint32_t id, std::string_view pattern, std::string_view text) {
  auto found = state_->patterns.find(id);
  if (found == state_->patterns.end() || !found->second.is(pattern)) {
    if (pattern.size() > kMaxPatternBytes) return false;
    if (state_->patterns.size() >= kMaxPatterns) state_->patterns.clear();
    found = state_->patterns.insert_or_assign(id, Compiled{compile(pattern), 0}).first;
    ++state_->late;
  }
  const RE2& regex = *found->second.regex;
  return regex.ok() && regex.Match(piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
  // The analyzer does not follow insert_or_assign(), which has taken the pattern.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
}

std::optional<std::span<const int>> RegexCache::match_set(std::uint64_t set_hash,
                                                          std::string_view text) {
  const auto found = state_->sets.find(set_hash);
  if (found == state_->sets.end() || found->second.set == nullptr) return std::nullopt;
  RE2::Set::ErrorInfo error{RE2::Set::kNoError};
  if (!found->second.set->Match(piece(text), &state_->hits, &error) &&
      error.kind != RE2::Set::kNoError) {
    return std::nullopt;
  }
  std::sort(state_->hits.begin(), state_->hits.end());
  return std::span<const int>(state_->hits);
}

std::uint64_t RegexCache::compiled_late() const {
  return state_->late;
}

std::size_t RegexCache::patterns() const {
  return state_->patterns.size();
}

}  // namespace sluice::match
