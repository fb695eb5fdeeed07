#include "shared/arena/arena.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <utility>

#include "shared/arena/arena_state.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"

namespace sluice::arena {
namespace {

// Readable bytes that stay behind the last block, for readers that load past a string's end.
constexpr std::uint64_t kTailBytes = 64;
// What a file grows by when its doubling doesn't fit.
constexpr std::size_t kSmallGrowth = std::size_t{64} << 10;
constexpr std::size_t kWorthCompacting = std::size_t{1} << 20;
constexpr int kPoison = 0xEE;

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
constexpr std::memory_order kRelease = std::memory_order_release;

Result<void> grow_to(MappedFile& file, std::uint64_t bytes, std::size_t limit) {
  if (bytes <= file.bytes()) return {};
  if (bytes > limit) return fail(Errc::kFull, "the reserved address space is used up");
  const std::uint64_t doubled = std::min<std::uint64_t>(limit, file.bytes() * 2);
  if (doubled >= bytes && file.grow(doubled)) return {};
  return file.grow(std::min<std::uint64_t>(limit, align_up(bytes, kSmallGrowth)));
}

}  // namespace

Arena::Arena(std::unique_ptr<State> state) : state_(std::move(state)) {}

Arena::~Arena() = default;

Result<Offset> Arena::allocate(std::size_t bytes, std::size_t alignment, LinkedBy linked) {
  State::Segment& segment = state_->here();
  if (bytes > state_->options.reserve_bytes) return fail(Errc::kFull, "the block is too large");
  const BlockShape shape = BlockShape::of(bytes, alignment);
  Offset offset = segment.blocks.take_free(shape);
  if (offset == 0) {
    const std::uint64_t end = segment.blocks.end_after(shape) + kTailBytes;
    Result<void> grown = grow_to(segment.file, end, state_->options.reserve_bytes);
    if (!grown && state_->in_transition() && state_->give_reserve_up()) {
      grown = grow_to(segment.file, end, state_->options.reserve_bytes);
    }
    if (!grown) {
      state_->full = true;
      return propagate(std::move(grown), "growing the route table");
    }
    offset = segment.blocks.take_new(shape);
  }
  if (linked == LinkedBy::kRoot) segment.blocks.journal(offset, shape);
  return offset;
}

void Arena::retire(Offset offset, std::size_t bytes, std::size_t alignment, LinkedBy linked) {
  BlockAllocator& blocks = state_->here().blocks;
  const BlockShape shape = BlockShape::of(bytes, alignment);
  if (linked == LinkedBy::kRoot) {
    blocks.retire_with_root(offset, shape);
  } else {
    blocks.retire_at(offset, shape, load_word(state_->control().epoch, kRelaxed));
  }
}

void Arena::rollback() {
  state_->here().blocks.rollback();
}

std::byte* Arena::base() {
  return state_->here().file.data();
}

std::uint8_t Arena::segment() const {
  return state_->current;
}

void Arena::publish_root(Offset root, std::uint64_t generation) {
  State& state = *state_;
  Control& control = state.control();
  const std::uint64_t epoch = load_word(control.epoch, kRelaxed) + 1;
  const bool swings = state.published.has_value() && state.in_transition();
  if (swings) store_word(control.quiet_epoch, epoch, kRelaxed);
  store_word(control.high_water[state.current], state.here().blocks.used_bytes(), kRelaxed);
  // Publishes every byte written before. The epoch comes after the root: who has seen it, sees the
  // root (invariant 3).
  store_word(control.root_word, pack_root_word(state.current, generation, root), kRelease);
  store_word(control.generation, generation, kRelease);
  store_word(control.epoch, epoch, std::memory_order_seq_cst);

  state.here().blocks.commit(epoch);
  state.roots.push_back({epoch, generation});
  if (swings) {
    state.segments[*state.published].blocks.reset(0);
    state.full = false;
    state.live_at_abort = 0;
    state.hold_reserve();
  }
  state.published = state.current;
}

void Arena::publish_slot(std::uint64_t& word, std::uint64_t value) {
  State& state = *state_;
  Control& control = state.control();
  const std::uint64_t old = load_word(word, kRelaxed);
  const std::uint64_t epoch = load_word(control.epoch, kRelaxed) + 1;
  if (word_offset(old) != 0 && state.published != slot_word_segment(old)) {
    store_word(control.quiet_epoch, epoch, kRelaxed);
  }
  store_word(control.high_water[state.current], state.here().blocks.used_bytes(), kRelaxed);
  store_word(word, value, kRelease);
  store_word(control.epoch, epoch, std::memory_order_seq_cst);
}

void Arena::reclaim(std::uint64_t now_ms, std::uint64_t patience_ms) {
  State& state = *state_;
  const std::uint64_t quiet = load_word(state.control().quiet_epoch, kRelaxed);
  const bool waits = !state.roots.empty() || state.passed_epoch < quiet ||
                     state.segments[0].blocks.has_limbo() || state.segments[1].blocks.has_limbo();
  if (!waits) return;
  const std::uint64_t passed = state.workers.passed_epoch(now_ms, patience_ms);
  if (passed > state.passed_epoch) {
    state.workers.fence_silent();
    state.passed_epoch = passed;
  }
  while (!state.roots.empty() && state.roots.front().epoch <= state.passed_epoch) {
    state.passed_generation = state.roots.front().generation;
    state.roots.pop_front();
  }
  for (State::Segment& segment : state.segments) {
    while (true) {
      const BlockAllocator::Block block = segment.blocks.free_one(state.passed_epoch);
      if (block.offset == 0) break;
      if (state.options.poison_freed) {
        std::memset(segment.file.data() + std::size_t{block.offset} * 8, kPoison,
                    block.shape.bytes());
      }
    }
  }
}

Result<void> Arena::begin_compaction() {
  State& state = *state_;
  Control& control = state.control();
  if (state.in_transition()) return fail(Errc::kUnavailable, "a compaction is under way");
  const auto other = static_cast<std::uint8_t>(1 - state.current);
  if (state.passed_epoch < load_word(control.quiet_epoch, kRelaxed) ||
      state.slots_point_into(other)) {
    return fail(Errc::kUnavailable, "the other segment is still in use");
  }
  State::Segment& segment = state.segments[other];
  // A table that fills the memory is compacted into what is left of it, piece by piece.
  if (Result<void> grown = segment.file.grow(state.options.segment_bytes);
      !grown && grown.error().code != Errc::kFull) {
    return propagate(std::move(grown), "compacting");
  }
  if (state.options.poison_freed) std::memset(segment.file.data(), kPoison, segment.file.bytes());
  store_word(control.high_water[other], std::uint64_t{0}, kRelaxed);
  segment.blocks.reset(0);
  state.current = other;
  return {};
}

void Arena::abort_compaction() {
  State& state = *state_;
  state.here().blocks.reset(0);
  state.current = state.published.value_or(static_cast<std::uint8_t>(1 - state.current));
  state.live_at_abort = state.here().blocks.live_bytes();
  state.hold_reserve();
}

bool Arena::wants_compaction() const {
  const State& state = *state_;
  const auto other = static_cast<std::uint8_t>(1 - state.current);
  if (state.in_transition() ||
      state.passed_epoch < load_word(state.control().quiet_epoch, kRelaxed)) {
    return false;
  }
  const BlockAllocator& blocks = state.segments[state.current].blocks;
  const std::size_t live = blocks.live_bytes();
  const std::uint64_t used = blocks.used_bytes();
  // After one that failed for lack of room, another one is of use only when it needs less.
  if (state.live_at_abort != 0 && live > state.live_at_abort / 8 * 7) return false;
  const bool wasteful = used >= kWorthCompacting && live < used / 2;
  const bool may_help = state.full && live < used / 8 * 7;
  return (wasteful || may_help) && !state.slots_point_into(other);
}

std::uint64_t Arena::published_generation() const {
  return load_word(state_->control().generation, kRelaxed);
}

std::uint64_t Arena::predecessor_generation() const {
  return state_->predecessor_generation;
}

std::uint64_t Arena::passed_generation() const {
  return state_->passed_generation;
}

std::uint64_t Arena::epoch() const {
  return load_word(state_->control().epoch, kRelaxed);
}

std::uint64_t Arena::passed_epoch() const {
  return state_->passed_epoch;
}

std::size_t Arena::live_bytes() const {
  return state_->here().blocks.live_bytes();
}

std::size_t Arena::used_bytes() const {
  return state_->here().blocks.used_bytes();
}

std::size_t Arena::limbo_bytes() const {
  return state_->here().blocks.limbo_bytes();
}

void Arena::beat(std::uint64_t now_ms) {
  store_word(state_->control().heartbeat_ms, now_ms, kRelaxed);
}

std::byte* Arena::endpoint_file() {
  return state_->endpoint.data();
}

Result<void> Arena::grow_endpoint_file(std::size_t bytes) {
  return grow_to(state_->endpoint, bytes, kEndpointReserve);
}

std::size_t Arena::endpoint_file_bytes() const {
  return state_->endpoint.bytes();
}

std::byte* Arena::counters_file() {
  return state_->counters.data();
}

Result<void> Arena::grow_counters_file(std::size_t bytes) {
  return grow_to(state_->counters, bytes, kCountersReserve);
}

std::size_t Arena::counters_file_bytes() const {
  return state_->counters.bytes();
}

void Arena::settle_dead_workers() {
  state_->workers.settle_dead({reinterpret_cast<EndpointCounter*>(state_->counters.data()),
                               state_->counters.bytes() / sizeof(EndpointCounter)});
}

}  // namespace sluice::arena
