#include "ngx_module/balance/endpoint_choice.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ngx_module/balance/failure_memory.h"
#include "shared/arena/layout.h"
#include "shared/arena/read_mapping.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"
#include "shared/table/reader.h"

namespace sluice::balance {

namespace {

constexpr std::uint32_t kMaxTlsBytes = 1U << 24;  // a worker copies it

bool same_address(const table::Endpoint& a, const table::Endpoint& b) {
  return a.family == b.family && a.port == b.port && a.counter == b.counter &&
         a.counter_incarnation == b.counter_incarnation &&
         std::memcmp(a.address, b.address, sizeof a.address) == 0;
}

// The slot's word, read once; none when the slot is outside the file or another backend's.
std::optional<std::uint64_t> load_slot(arena::ReadMapping& mapping, table::SlotRef backend) {
  const std::size_t at = std::size_t{backend.slot} * sizeof(table::EndpointSlot);
  const std::span<const std::byte> file = mapping.endpoint_file(at + sizeof(table::EndpointSlot));
  if (!fits(at, 1, sizeof(table::EndpointSlot), file.size())) return std::nullopt;
  const auto* const record = reinterpret_cast<const table::EndpointSlot*>(file.data() + at);
  const std::uint64_t word = arena::load_word(record->word, std::memory_order_acquire);
  if (arena::slot_word_incarnation(word) != (backend.incarnation & 0xffffffU)) return std::nullopt;
  return word;
}

// The endpoints that a slot leads to.
class List {
 public:
  static std::optional<List> of_slot(arena::ReadMapping& mapping, table::SlotRef backend) {
    const auto word = load_slot(mapping, backend);
    if (!word) return std::nullopt;
    List list;
    list.offset_ = arena::word_offset(*word);
    if (list.offset_ == 0) return list;
    const std::span<const std::byte> segment = mapping.segment(arena::slot_word_segment(*word));
    arena::Snapshot snapshot;
    snapshot.base = segment.data();
    snapshot.units = segment.size() / 8;
    list.reader_ = table::Reader(snapshot);
    const auto header = list.reader_.read<table::EndpointList>(list.offset_);
    if (!header) return std::nullopt;
    list.count_ = header->count;
    list.tls_ = header->tls;
    return list;
  }

  std::uint32_t count() const { return count_; }

  // None: the list is longer than the file.
  std::optional<table::Endpoint> at(std::uint32_t index) const {
    return reader_.read_element<table::Endpoint>(offset_, sizeof(table::EndpointList), index);
  }

  // Sets `record` to how the endpoints are reached. Not kChosen: they must not be reached at all.
  Choice read_tls(std::string_view& record) const {
    if (tls_ == 0) return Choice::kChosen;
    const auto head = reader_.read<table::BackendTls>(tls_);
    if (!head || head->bytes < sizeof *head || head->bytes > kMaxTlsBytes) return Choice::kGone;
    if (head->usable == 0) return Choice::kNoTrust;
    const auto bytes = reader_.text(tls_, 0, head->bytes);
    if (!bytes) return Choice::kGone;
    record = *bytes;
    return Choice::kChosen;
  }

  bool copy_path(const table::Endpoint& endpoint, Target& target) const {
    if (endpoint.path_bytes > kMaxUnixPath) return false;
    const auto path = reader_.text(endpoint.path, 0, endpoint.path_bytes);
    if (!path) return false;
    std::copy(path->begin(), path->end(), target.unix_path);
    target.unix_path[endpoint.path_bytes] = '\0';
    return true;
  }

 private:
  table::Reader reader_;
  table::Offset offset_ = 0;
  table::Offset tls_ = 0;
  std::uint32_t count_ = 0;
};

// Smaller is better: what can be read, untried before tried, healthy before failed, then the fewest
// requests.
struct Rank {
  bool unreadable = false;
  bool tried = false;
  bool failed = false;
  std::uint32_t active = 0;
  auto operator<=>(const Rank&) const = default;

  bool is_second_choice() const { return unreadable || tried || failed; }
};

Rank rank(const std::optional<table::Endpoint>& endpoint, const Asking& asking,
          arena::ReadMapping& mapping) {
  if (!endpoint) return {.unreadable = true};
  const CounterRef counter{endpoint->counter, endpoint->counter_incarnation};
  const Load load = load_of(counters_of(mapping, counter), counter, asking.now_ms);
  const bool failed = load.failed_lately || asking.tried.doubts(*endpoint);
  return {false, asking.tried.has(*endpoint), failed, load.active};
}

// Two random ones; where both are tried or failed, a walk from a random place for a better one.
std::uint32_t pick(const List& list, const Asking& asking, arena::ReadMapping& mapping) {
  const std::uint32_t count = list.count();
  if (count == 1) return 0;
  const std::uint32_t first = asking.random.below(count);
  const std::uint32_t second = (first + 1 + asking.random.below(count - 1)) % count;
  const Rank first_rank = rank(list.at(first), asking, mapping);
  const Rank second_rank = rank(list.at(second), asking, mapping);
  std::uint32_t best = second_rank < first_rank ? second : first;
  Rank best_rank = std::min(first_rank, second_rank);
  const std::uint32_t steps = std::min(count, kMaxScan);
  for (std::uint32_t i = 1; i < steps && best_rank.is_second_choice(); ++i) {
    const std::uint32_t at = (first + i) % count;
    const Rank candidate = rank(list.at(at), asking, mapping);
    if (candidate < best_rank) {
      best = at;
      best_rank = candidate;
    }
  }
  return best;
}

}  // namespace

void Tried::add(const Target& target) {
  doubted_ = false;
  if (count_ < endpoints_.size()) endpoints_[count_++] = target.endpoint;
}

bool Tried::has(const table::Endpoint& endpoint) const {
  return std::any_of(endpoints_.begin(), endpoints_.begin() + static_cast<std::ptrdiff_t>(count_),
                     [&](const table::Endpoint& e) { return same_address(e, endpoint); });
}

void Tried::doubt_last() {
  if (count_ == 0) return;
  --count_;
  doubted_ = true;
}

bool Tried::doubts(const table::Endpoint& endpoint) const {
  return doubted_ && same_address(endpoints_[count_], endpoint);
}

core::Reason reason_of(Choice choice) {
  switch (choice) {
    case Choice::kChosen:
      return core::Reason::kNone;
    case Choice::kNoEndpoints:
      return core::Reason::kNoEndpoints;
    case Choice::kNoTrust:
      return core::Reason::kBackendTls;
    case Choice::kGone:
      break;
  }
  return core::Reason::kBackendGone;
}

Choice check_backend(arena::ReadMapping& mapping, table::SlotRef backend, bool plain) {
  const std::optional<List> list = List::of_slot(mapping, backend);
  if (!list) return Choice::kGone;
  if (list->count() == 0) return Choice::kNoEndpoints;
  if (plain) return Choice::kChosen;
  std::string_view record;
  return list->read_tls(record);
}

bool has_left(arena::ReadMapping& mapping, table::SlotRef backend,
              const table::Endpoint& endpoint) {
  const std::optional<List> list = List::of_slot(mapping, backend);
  if (!list) return false;
  for (std::uint32_t i = 0; i < list->count(); ++i) {
    const auto listed = list->at(i);
    if (!listed || same_address(*listed, endpoint)) return false;
  }
  return true;
}

Chosen choose_endpoint(arena::ReadMapping& mapping, table::SlotRef backend, const Asking& asking,
                       Target& target) {
  const std::optional<List> list = List::of_slot(mapping, backend);
  if (!list) return {};
  if (list->count() == 0) return {Choice::kNoEndpoints, 0, {}};
  Chosen chosen{Choice::kChosen, list->count(), {}};
  if (!asking.plain) chosen.choice = list->read_tls(chosen.tls);
  if (chosen.choice != Choice::kChosen) return chosen;
  const auto endpoint = list->at(pick(*list, asking, mapping));
  if (!endpoint) return {};
  target.endpoint = *endpoint;
  if (endpoint->family == table::Family::kUnix && !list->copy_path(*endpoint, target)) return {};
  return chosen;
}

}  // namespace sluice::balance
