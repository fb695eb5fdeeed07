#include "shared/table/endpoints.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "shared/arena/arena.h"
#include "shared/arena/layout.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"
#include "shared/base/hash.h"
#include "shared/table/table_counters.h"

namespace sluice::table {
namespace {

using arena::Arena;
using arena::CounterRef;
using arena::LinkedBy;

static_assert(sizeof(EndpointSlot) == arena::kEndpointSlotBytes);

// A list as it lies in the arena.
struct ListBlob {
  Offset offset = 0;  // 0: no list
  std::uint8_t segment = 0;
  std::size_t bytes = 0;
};

struct Backend {
  SlotRef ref;
  std::vector<EndpointAddress> endpoints;
  std::optional<BackendTlsRule> tls;
  std::vector<CounterRef> lines;  // of the endpoints, in their order
  ListBlob list;
  bool inherited = false;      // the slot word is a predecessor's: no put() yet
  std::uint64_t released = 0;  // number of the release; 0: in use
};

// A slot that becomes free when every root up to `generation` is gone.
struct Release {
  BackendId backend;
  std::uint64_t number;
  std::uint64_t generation;
};

// Of an address, in the file `counters`.
Identity identity_of(const EndpointAddress& address) {
  std::string text;
  text += static_cast<char>(address.family);
  text += static_cast<char>(address.port >> 8);
  text += static_cast<char>(address.port & 0xff);
  for (const std::uint8_t byte : address.address)
    text += static_cast<char>(byte);
  text += address.path;
  return content_hash128(text);
}

std::size_t list_bytes(std::span<const EndpointAddress> endpoints, std::string_view tls) {
  std::size_t bytes = sizeof(EndpointList) + endpoints.size() * sizeof(Endpoint) + tls.size();
  for (const EndpointAddress& endpoint : endpoints)
    bytes += align_up(endpoint.path.size(), 8);
  return bytes;
}

}  // namespace

struct EndpointTable::State {
  Arena& arena;
  TableCounters counters;
  std::map<BackendId, Backend, std::less<>> backends;
  std::deque<Release> releases;
  std::uint64_t release_number = 0;
  std::vector<std::uint32_t> free_slots;
  std::uint32_t next_slot = 0;
  std::map<Identity, std::uint32_t> orphans;  // a predecessor's slots that nobody claimed yet
  std::vector<std::uint32_t> nameless;        // its slots that nobody can claim
  bool predecessor_gone = false;

  explicit State(Arena& borrowed) : arena(borrowed), counters(borrowed) {}

  EndpointSlot& slot(std::uint32_t index) {
    return reinterpret_cast<EndpointSlot*>(arena.endpoint_file())[index];
  }

  void find_predecessors_slots();
  Result<std::uint32_t> take_slot();
  Result<Backend*> find_or_take(const BackendId& id);
  void give_slot(Backend& backend, std::uint32_t index, const Identity& identity);
  void free_slot(std::uint32_t index);
  Result<std::vector<CounterRef>> acquire_lines(std::span<const EndpointAddress> endpoints);
  Result<ListBlob> write_list(std::uint32_t incarnation, std::span<const EndpointAddress> endpoints,
                              std::span<const CounterRef> lines,
                              const std::optional<BackendTlsRule>& tls);
  void publish(Backend& backend, const ListBlob& list);
  void discard(const ListBlob& list);
  void release_lines(std::span<const CounterRef> lines);
  void collect_predecessor();
  void collect();
};

// The slots of a predecessor are known by identity only; its lists are not read.
void EndpointTable::State::find_predecessors_slots() {
  const auto count = static_cast<std::uint32_t>(arena.endpoint_file_bytes() / sizeof(EndpointSlot));
  for (std::uint32_t index = 0; index < count; ++index) {
    const EndpointSlot& found = slot(index);
    const Identity identity = {found.identity[0], found.identity[1]};
    if (found.word == 0 && identity == Identity{}) continue;
    next_slot = index + 1;
    const bool named = identity != Identity{} && orphans.emplace(identity, index).second;
    if (!named) nameless.push_back(index);
  }
  for (std::uint32_t index = 0; index < next_slot; ++index) {
    if (slot(index).word == 0 && slot(index).identity[0] == 0) free_slots.push_back(index);
  }
}

Result<std::uint32_t> EndpointTable::State::take_slot() {
  if (!free_slots.empty()) {
    const std::uint32_t index = free_slots.back();
    free_slots.pop_back();
    return index;
  }
  Result<void> grown =
      arena.grow_endpoint_file((std::size_t{next_slot} + 1) * sizeof(EndpointSlot));
  if (!grown) return propagate(std::move(grown), "growing the endpoint slots");
  return next_slot++;
}

void EndpointTable::State::give_slot(Backend& backend, std::uint32_t index,
                                     const Identity& identity) {
  EndpointSlot& given = slot(index);
  given.identity[0] = identity[0];
  given.identity[1] = identity[1];
  const std::uint32_t before = arena::slot_word_incarnation(given.word);
  backend.ref = {index, std::max(before, 1U)};
  arena.publish_slot(given.word, arena::pack_slot_word(backend.ref.incarnation, 0, 0));
}

Result<Backend*> EndpointTable::State::find_or_take(const BackendId& id) {
  const auto known = backends.find(id);
  if (known != backends.end()) {
    known->second.released = 0;
    return &known->second;
  }
  const Identity identity = content_hash128(id);
  const auto orphan = orphans.find(identity);
  if (orphan != orphans.end()) {
    Backend& backend = backends[id];
    const std::uint64_t word = slot(orphan->second).word;
    backend.ref = {orphan->second, arena::slot_word_incarnation(word)};
    backend.inherited = true;
    orphans.erase(orphan);
    return &backend;
  }
  const Result<std::uint32_t> index = take_slot();
  if (!index) return tl::unexpected<Error>(index.error());
  Backend& backend = backends[id];
  give_slot(backend, *index, identity);
  return &backend;
}

// The next incarnation: whoever still holds the old one finds that the backend is gone.
void EndpointTable::State::free_slot(std::uint32_t index) {
  EndpointSlot& freed = slot(index);
  const std::uint32_t next = (arena::slot_word_incarnation(freed.word) + 1) & 0xffffff;
  arena.publish_slot(freed.word, arena::pack_slot_word(std::max(next, 1U), 0, 0));
  freed.identity[0] = 0;
  freed.identity[1] = 0;
  free_slots.push_back(index);
}

Result<std::vector<CounterRef>> EndpointTable::State::acquire_lines(
    std::span<const EndpointAddress> endpoints) {
  std::vector<CounterRef> lines;
  for (const EndpointAddress& endpoint : endpoints) {
    Result<CounterRef> line = counters.lines.acquire(identity_of(endpoint));
    if (!line) {
      release_lines(lines);
      return tl::unexpected<Error>(std::move(line.error()));
    }
    lines.push_back(*line);
  }
  return lines;
}

void EndpointTable::State::release_lines(std::span<const CounterRef> lines) {
  for (const CounterRef& line : lines)
    counters.lines.release(line.line);
}

// EndpointList, Endpoint[count], the paths of Unix sockets, BackendTls, each from a multiple of 8.
Result<ListBlob> EndpointTable::State::write_list(std::uint32_t incarnation,
                                                  std::span<const EndpointAddress> endpoints,
                                                  std::span<const CounterRef> lines,
                                                  const std::optional<BackendTlsRule>& tls) {
  if (endpoints.empty()) return ListBlob{};
  const std::string tls_bytes = tls ? backend_tls_bytes(*tls) : std::string();
  const std::size_t bytes = list_bytes(endpoints, tls_bytes);
  Result<Offset> offset = arena.allocate(bytes, 8, LinkedBy::kSlot);
  if (!offset) return propagate(std::move(offset), "writing endpoints");
  const std::size_t array = *offset + sizeof(EndpointList) / 8;
  std::size_t path_at = array + endpoints.size() * (sizeof(Endpoint) / 8);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const EndpointAddress& from = endpoints[i];
    Endpoint to = {};
    to.family = from.family;
    to.port = from.port;
    to.counter = lines[i].line;
    to.counter_incarnation = lines[i].incarnation;
    if (from.family == Family::kUnix) {
      to.path_bytes = static_cast<std::uint32_t>(from.path.size());
      to.path = static_cast<Offset>(path_at);
      std::memcpy(arena.base() + path_at * 8, from.path.data(), from.path.size());
      path_at += align_up(from.path.size(), 8) / 8;
    } else {
      std::memcpy(to.address, from.address.data(), sizeof to.address);
    }
    *arena.at<Endpoint>(static_cast<Offset>(array + i * (sizeof(Endpoint) / 8))) = to;
  }
  EndpointList list{};
  list.count = static_cast<std::uint32_t>(endpoints.size());
  list.incarnation = incarnation;
  if (tls) {
    list.tls = static_cast<Offset>(path_at);
    std::memcpy(arena.base() + path_at * 8, tls_bytes.data(), tls_bytes.size());
  }
  *arena.at<EndpointList>(*offset) = list;
  return ListBlob{*offset, arena.segment(), bytes};
}

void EndpointTable::State::publish(Backend& backend, const ListBlob& list) {
  EndpointSlot& to = slot(backend.ref.slot);
  arena.publish_slot(to.word,
                     arena::pack_slot_word(backend.ref.incarnation, list.segment, list.offset));
  discard(backend.list);
  backend.list = list;
  backend.inherited = false;
}

// A list of the other segment goes with that segment.
void EndpointTable::State::discard(const ListBlob& list) {
  if (list.offset == 0 || list.segment != arena.segment()) return;
  arena.retire(list.offset, list.bytes, 8, LinkedBy::kSlot);
}

// Once a root of ours is the oldest that anybody sees.
void EndpointTable::State::collect_predecessor() {
  if (predecessor_gone || arena.passed_generation() == 0) return;
  predecessor_gone = true;
  for (const auto& [identity, index] : orphans)
    free_slot(index);
  for (const std::uint32_t index : nameless)
    free_slot(index);
  orphans.clear();
  nameless.clear();
  for (auto& [id, backend] : backends) {
    if (backend.inherited) publish(backend, {});
  }
}

void EndpointTable::State::collect() {
  collect_predecessor();
  while (!releases.empty() && releases.front().generation < arena.passed_generation()) {
    const auto found = backends.find(releases.front().backend);
    const std::uint64_t number = releases.front().number;
    releases.pop_front();
    if (found == backends.end() || found->second.released != number) continue;
    Backend& backend = found->second;
    free_slot(backend.ref.slot);
    discard(backend.list);
    release_lines(backend.lines);
    backends.erase(found);
  }
}

EndpointTable::EndpointTable(std::unique_ptr<State> state) : state_(std::move(state)) {}

EndpointTable::~EndpointTable() = default;

Result<std::unique_ptr<EndpointTable>> EndpointTable::open(Arena& arena) {
  auto state = std::make_unique<State>(arena);
  state->find_predecessors_slots();
  return std::unique_ptr<EndpointTable>(new EndpointTable(std::move(state)));
}

Result<SlotRef> EndpointTable::put(const BackendId& id, std::span<const EndpointAddress> endpoints,
                                   const std::optional<BackendTlsRule>& tls) {
  State& state = *state_;
  state.collect();
  Result<Backend*> found = state.find_or_take(id);
  if (!found) return tl::unexpected<Error>(std::move(found.error()));
  Backend& backend = **found;
  if (!backend.inherited && std::ranges::equal(backend.endpoints, endpoints) &&
      backend.tls == tls) {
    return backend.ref;
  }

  Result<std::vector<CounterRef>> lines = state.acquire_lines(endpoints);
  if (!lines) return tl::unexpected<Error>(std::move(lines.error()));
  Result<ListBlob> list = state.write_list(backend.ref.incarnation, endpoints, *lines, tls);
  if (!list) {
    state.release_lines(*lines);
    return tl::unexpected<Error>(std::move(list.error()));
  }
  state.publish(backend, *list);
  state.release_lines(backend.lines);
  backend.lines = std::move(*lines);
  backend.endpoints.assign(endpoints.begin(), endpoints.end());
  backend.tls = tls;
  return backend.ref;
}

TableCounters& EndpointTable::counters() {
  return state_->counters;
}

void EndpointTable::remove(const BackendId& id) {
  State& state = *state_;
  const auto found = state.backends.find(id);
  if (found != state.backends.end() && found->second.released == 0) {
    found->second.released = ++state.release_number;
    state.releases.push_back({id, found->second.released, state.arena.published_generation()});
  }
  state.collect();
}

Result<SlotRef> EndpointTable::find_or_reserve(const BackendId& id) {
  Result<Backend*> found = state_->find_or_take(id);
  if (!found) return tl::unexpected<Error>(std::move(found.error()));
  return (*found)->ref;
}

void EndpointTable::collect() {
  state_->collect();
}

Result<void> EndpointTable::rewrite() {
  State& state = *state_;
  std::vector<std::pair<Backend*, ListBlob>> written;
  for (auto& [id, backend] : state.backends) {
    if (backend.inherited) continue;
    Result<ListBlob> list =
        state.write_list(backend.ref.incarnation, backend.endpoints, backend.lines, backend.tls);
    if (!list) {
      for (const auto& [unused, blob] : written)
        state.discard(blob);
      return propagate(std::move(list), "moving endpoints");
    }
    written.emplace_back(&backend, *list);
  }
  for (const auto& [backend, list] : written)
    state.publish(*backend, list);
  return {};
}

}  // namespace sluice::table
