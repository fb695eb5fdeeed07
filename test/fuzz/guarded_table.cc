#include "test/fuzz/guarded_table.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shared/base/bytes.h"
#include "shared/table/filter_reader.h"
#include "test/harness/heap_memory.h"

namespace sluice::fuzz {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

GuardedTable::GuardedTable(oracle::LiveTable& table) : root_(table.reader().root()) {
  const std::size_t used = table.arena().used_bytes();
  bytes_ = align_up(used + table::kReadAhead, kPage);
  void* mapped = mmap(nullptr, bytes_ + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  mapping_ = static_cast<std::byte*>(mapped);
  base_ = mapping_ + kPage;
  if (mprotect(base_, bytes_, PROT_READ | PROT_WRITE) != 0) {
    std::perror("mprotect");
    std::abort();
  }
  std::memcpy(base_, table.arena().base(), used);
  used_words_ = used / sizeof(std::uint32_t);
  original_.resize(used_words_);
  std::memcpy(original_.data(), base_, used_words_ * sizeof(std::uint32_t));
}

GuardedTable::~GuardedTable() {
  munmap(mapping_, bytes_ + 2 * kPage);
}

table::Reader GuardedTable::reader() const {
  arena::Snapshot snapshot;
  snapshot.base = base_;
  snapshot.units = bytes_ / 8;
  snapshot.root = root_;
  return table::Reader(snapshot);
}

void GuardedTable::store(std::size_t word, std::uint32_t value) {
  __atomic_store_n(reinterpret_cast<std::uint32_t*>(base_) + word, value, __ATOMIC_RELAXED);
}

std::uint32_t GuardedTable::load(std::size_t word) const {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(base_) + word, __ATOMIC_RELAXED);
}

void GuardedTable::change(std::size_t word, std::uint32_t value) {
  store(word, value);
  changed_.push_back(word);
}

void GuardedTable::corrupt(oracle::Random& random, std::uint32_t most) {
  for (std::uint32_t i = 1 + random.below(most); i > 0; --i) {
    corrupt_once(random);
  }
}

void GuardedTable::corrupt_once(oracle::Random& random) {
  const auto any_word = [&] { return random.below(static_cast<std::uint32_t>(used_words_)); };
  const std::size_t word = any_word();
  switch (random.below(6)) {
    case 0:
      return change(word, load(word) ^ (std::uint32_t{1} << random.below(32)));
    case 1:
      return change(word, random.below(0xffffffff));
    case 2:  // an offset or a count that leads somewhere
      return change(word, original_[any_word()]);
    case 3:
      return change(word, random.below(static_cast<std::uint32_t>(bytes_ / 8)));
    case 4:
      change(word & ~std::size_t{1}, 0xffffffff);
      return change(word | 1, 0xffffffff);
    default:
      for (std::size_t at = word; at < word + 16 && at < used_words_; ++at) {
        change(at, 0);
      }
  }
}

void GuardedTable::restore() {
  for (const std::size_t word : changed_) {
    store(word, word < used_words_ ? original_[word] : 0);
  }
  changed_.clear();
}

bool is_served(oracle::LiveTable& live, const oracle::Request& request) {
  const match::Match relayed =
      find_relay_rule(live.reader(), request.group, request.host, live.context(), nullptr);
  return relayed.outcome == match::Outcome::kMatched ||
         live.match(request).outcome == match::Outcome::kMatched;
}

std::uint64_t read_match(const table::Reader& reader, const match::Match& match,
                         std::uint32_t draw) {
  std::uint64_t sum = 0;
  const auto add = [&sum](std::string_view text) {
    for (const char c : text.substr(0, 4096))
      sum += static_cast<unsigned char>(c);
  };
  const auto add_filters = [&](std::string_view list) {
    table::FilterReader filters(list);
    while (const auto filter = filters.next())
      sum += static_cast<std::uint64_t>(filter->type);
  };
  core::HeapMemory memory;
  core::Plan plan;
  make_plan(reader, match, draw, memory, plan);
  add(plan.gateway);
  add(plan.listener);
  add(plan.route);
  add(plan.rule_name);
  add(plan.backend);
  add_filters(plan.rule_filters);
  add_filters(plan.backend_filters);
  for (const http::IpNetwork& network : plan.trusted_proxies)
    sum += network.prefix_bits;
  if (const auto hostname = reader.text(match.shard.hostname, 0, match.shard.hostname_bytes)) {
    add(*hostname);
  }
  return sum + plan.slot.slot + plan.client_certificate.bytes;
}

}  // namespace sluice::fuzz
