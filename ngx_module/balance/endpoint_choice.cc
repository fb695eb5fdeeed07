#include "ngx_module/balance/endpoint_choice.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ngx_module/balance/failure_memory.h"
#include "shared/arena/read_mapping.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"

namespace sluice::balance {

namespace {

bool same_address(const table::Endpoint& a, const table::Endpoint& b) {
  return a.family == b.family && a.port == b.port && a.counter == b.counter &&
         a.counter_incarnation == b.counter_incarnation &&
         std::memcmp(a.address, b.address, sizeof a.address) == 0;
}

// The slot's word, read once; none when the slot is outside the file or another backend's.
std::optional<std::uint64_t> load_slot(std::span<const std::byte> file, std::uint32_t slot,
                                       std::uint32_t incarnation) {
  if (!fits(std::uint64_t{slot} * sizeof(table::EndpointSlot), 1, sizeof(table::EndpointSlot),
            file.size())) {
    return std::nullopt;
  }
  const auto* const record = reinterpret_cast<const table::EndpointSlot*>(file.data()) + slot;
  const std::uint64_t word = arena::load_word(record->word, std::memory_order_acquire);
  if ((word >> 40) != (incarnation & 0xffffffU)) return std::nullopt;
  return word;
}

class List {
 public:
  static std::optional<List> of_slot(arena::ReadMapping& mapping, std::uint32_t slot,
                                     std::uint32_t incarnation) {
    const auto word = load_slot(mapping.endpoint_file(), slot, incarnation);
    if (!word || (*word & 0xffffffffU) == 0) return std::nullopt;
    List list;
    list.segment_ = mapping.segment(static_cast<std::uint8_t>(*word >> 32));
    list.offset_ = (*word & 0xffffffffU) * 8;
    if (!fits(list.offset_, 1, sizeof(table::EndpointList), list.segment_.size())) {
      return std::nullopt;
    }
    table::EndpointList header;
    std::memcpy(&header, list.segment_.data() + list.offset_, sizeof header);
    if (!fits(list.offset_ + sizeof header, header.count, sizeof(table::Endpoint),
              list.segment_.size())) {
      return std::nullopt;
    }
    list.count_ = header.count;
    return list;
  }

  std::uint32_t count() const { return count_; }

  table::Endpoint at(std::uint32_t index) const {
    table::Endpoint endpoint;
    std::memcpy(&endpoint,
                segment_.data() + offset_ + sizeof(table::EndpointList) +
                    std::size_t{index} * sizeof endpoint,
                sizeof endpoint);
    return endpoint;
  }

  bool copy_path(const table::Endpoint& endpoint, Target& target) const {
    if (endpoint.path_bytes > kMaxUnixPath) return false;
    const std::uint64_t start = std::uint64_t{endpoint.path} * 8;
    if (!fits(start, endpoint.path_bytes, 1, segment_.size())) return false;
    std::memcpy(target.unix_path, segment_.data() + start, endpoint.path_bytes);
    target.unix_path[endpoint.path_bytes] = '\0';
    return true;
  }

 private:
  std::span<const std::byte> segment_;
  std::uint64_t offset_ = 0;
  std::uint32_t count_ = 0;
};

// Smaller is better: untried before tried, healthy before failed, then the fewest requests.
struct Rank {
  bool tried;
  bool failed;
  std::uint32_t active;
  auto operator<=>(const Rank&) const = default;
};

Rank rank(const table::Endpoint& endpoint, const Tried& tried, std::span<std::byte> counters,
          std::uint64_t now_ms) {
  const Load load = load_of(counters, {endpoint.counter, endpoint.counter_incarnation}, now_ms);
  return {tried.has(endpoint), load.failed_lately, load.active};
}

// Two random ones; where both are tried or failed, a walk from a random place for a better one.
std::uint32_t pick(const List& list, const Tried& tried, std::span<std::byte> counters,
                   std::uint64_t now_ms, Random& random) {
  const std::uint32_t count = list.count();
  if (count == 1) return 0;
  const std::uint32_t first = random.below(count);
  const std::uint32_t second = (first + 1 + random.below(count - 1)) % count;
  const Rank first_rank = rank(list.at(first), tried, counters, now_ms);
  const Rank second_rank = rank(list.at(second), tried, counters, now_ms);
  std::uint32_t best = second_rank < first_rank ? second : first;
  Rank best_rank = std::min(first_rank, second_rank);
  const std::uint32_t steps = std::min(count, kMaxScan);
  for (std::uint32_t i = 1; i < steps && (best_rank.tried || best_rank.failed); ++i) {
    const std::uint32_t at = (first + i) % count;
    const Rank candidate = rank(list.at(at), tried, counters, now_ms);
    if (candidate < best_rank) {
      best = at;
      best_rank = candidate;
    }
  }
  return best;
}

}  // namespace

void Tried::add(const Target& target) {
  if (count_ < endpoints_.size()) endpoints_[count_++] = target.endpoint;
}

bool Tried::has(const table::Endpoint& endpoint) const {
  return std::any_of(endpoints_.begin(), endpoints_.begin() + static_cast<std::ptrdiff_t>(count_),
                     [&](const table::Endpoint& e) { return same_address(e, endpoint); });
}

void Tried::forget_last() {
  if (count_ > 0) --count_;
}

Choice check_backend(arena::ReadMapping& mapping, std::uint32_t slot, std::uint32_t incarnation) {
  const std::optional<List> list = List::of_slot(mapping, slot, incarnation);
  if (!list) return Choice::kGone;
  return list->count() == 0 ? Choice::kNoEndpoints : Choice::kChosen;
}

Chosen choose_endpoint(arena::ReadMapping& mapping, std::uint32_t slot, std::uint32_t incarnation,
                       const Tried& tried, std::uint64_t now_ms, Random& random, Target& target) {
  const std::optional<List> list = List::of_slot(mapping, slot, incarnation);
  if (!list) return {};
  if (list->count() == 0) return {Choice::kNoEndpoints, 0};
  const std::uint32_t index = pick(*list, tried, mapping.counters_file(), now_ms, random);
  target.endpoint = list->at(index);
  if (target.endpoint.family == table::Family::kUnix && !list->copy_path(target.endpoint, target)) {
    return {};
  }
  return {Choice::kChosen, list->count()};
}

}  // namespace sluice::balance
