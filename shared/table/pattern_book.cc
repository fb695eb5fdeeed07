#include "shared/table/pattern_book.h"

#include <cstddef>
#include <utility>

#include "shared/base/hash.h"
#include "shared/table/blob_builder.h"

namespace sluice::table {

PatternBook::Listed& PatternBook::list(std::string_view pattern) {
  const auto found = patterns_.find(pattern);
  if (found != patterns_.end()) return found->second;
  changed_ = true;
  Listed& listed = patterns_[std::string(pattern)];
  listed.id = take_id(pattern);
  return listed;
}

std::uint32_t PatternBook::take_id(std::string_view pattern) {
  auto id = static_cast<std::uint32_t>(content_hash128(pattern)[0]);
  while (true) {
    const auto owner = owners_.find(id);
    if (id != 0 && owner == owners_.end()) break;
    if (id != 0 && owner->second == pattern) return id;
    ++id;
  }
  owners_[id] = std::string(pattern);
  return id;
}

bool PatternBook::put(std::string_view pattern, std::uint64_t generation) {
  const bool fresh = patterns_.find(pattern) == patterns_.end();
  Listed& listed = list(pattern);
  if (listed.uses == 0) {
    listed.awaited = true;
    listed.awaited_since = generation;
    maybe_unused_ = true;
  }
  return fresh;
}

void PatternBook::acquire(std::string_view pattern) {
  Listed& listed = list(pattern);
  ++listed.uses;
  listed.awaited = false;
}

void PatternBook::release(std::string_view pattern) {
  const auto found = patterns_.find(pattern);
  if (found == patterns_.end()) return;
  if (--found->second.uses == 0) maybe_unused_ = true;
}

std::uint32_t PatternBook::id(std::string_view pattern) const {
  const auto found = patterns_.find(pattern);
  return found == patterns_.end() ? 0 : found->second.id;
}

std::uint64_t PatternBook::acquire_set(std::vector<std::uint32_t> ids) {
  const std::string_view bytes(reinterpret_cast<const char*>(ids.data()),
                               ids.size() * sizeof(std::uint32_t));
  std::uint64_t hash = content_hash128(bytes)[0];
  // Another set of that name: 64 bits make it unlikely, this makes it harmless.
  while (hash == 0 || (sets_.contains(hash) && sets_[hash].ids != ids)) {
    ++hash;
  }
  Set& set = sets_[hash];
  if (set.uses++ == 0) changed_ = true;
  set.ids = std::move(ids);
  return hash;
}

void PatternBook::release_set(std::uint64_t hash) {
  const auto found = sets_.find(hash);
  if (found == sets_.end() || --found->second.uses > 0) return;
  sets_.erase(found);
  changed_ = true;
}

void PatternBook::prune(std::uint64_t generation) {
  if (!maybe_unused_) return;
  maybe_unused_ = false;
  std::erase_if(patterns_, [&](const auto& entry) {
    const Listed& listed = entry.second;
    if (listed.uses > 0) return false;
    if (listed.awaited && generation < listed.awaited_since + kPatience) {
      maybe_unused_ = true;
      return false;
    }
    changed_ = true;
    return true;
  });
}

void PatternBook::write(Transaction& tx, std::uint64_t generation) {
  if (!changed_ && !tx.moves()) return;
  if (patterns_.empty()) {
    tx.replace(slot_, Blob{});
    return;
  }
  BlobBuilder blob;
  PatternList list{};
  list.generation = generation;
  list.count = static_cast<std::uint32_t>(patterns_.size());
  list.sets = static_cast<std::uint32_t>(sets_.size());
  const std::size_t head = blob.add(list);

  const std::size_t records = blob.reserve(patterns_.size() * sizeof(Pattern));
  blob.link(head + offsetof(PatternList, patterns), records);
  std::size_t at = records;
  for (const auto& [text, listed] : patterns_) {
    blob.put(at, Pattern{listed.id, 0, static_cast<std::uint32_t>(text.size()), 0});
    blob.link(at + offsetof(Pattern, text), blob.add_text(text));
    at += sizeof(Pattern);
  }
  if (!sets_.empty()) {
    std::size_t field = blob.reserve(sets_.size() * sizeof(Offset));
    blob.link(head + offsetof(PatternList, set_off), field);
    for (const auto& [hash, set] : sets_) {
      blob.link(field, blob.add(PatternSet{hash, static_cast<std::uint32_t>(set.ids.size()), 0}));
      for (const std::uint32_t id : set.ids) {
        blob.add_number(id);
      }
      field += sizeof(Offset);
    }
  }
  tx.replace(slot_, blob.write(tx, 8));
}

}  // namespace sluice::table
