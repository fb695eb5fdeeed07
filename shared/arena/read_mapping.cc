#include "shared/arena/read_mapping.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "shared/arena/active_counts.h"
#include "shared/arena/arena_state.h"
#include "shared/arena/file_lock.h"
#include "shared/arena/layout.h"
#include "shared/arena/mapped_file.h"
#include "shared/arena/paths.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"

namespace sluice::arena {
namespace {

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
constexpr std::memory_order kAcquire = std::memory_order_acquire;

Result<void> check_header(const MappedFile& ctl) {
  if (ctl.bytes() < sizeof(Control)) return fail(Errc::kNotFound, "the table is being created");
  const auto& control = *reinterpret_cast<const Control*>(ctl.data());
  const std::uint64_t magic = load_word(control.magic, kAcquire);
  if (magic == 0) return fail(Errc::kNotFound, "the table is being created");
  if (magic != kMagic || control.byte_order != kByteOrder) {
    return fail(Errc::kInvalid, "not a route table");
  }
  if (control.incompatible_features != 0) {
    return fail(Errc::kInvalid, "the route table needs a newer module");
  }
  return {};
}

}  // namespace

struct ReadMapping::State {
  std::string directory;
  std::string ctl_path;  // made once: workers look ten times a second
  MappedFile ctl;
  MappedFile slots;
  MappedFile slots_lock;  // our own open(2) of `slots`, which holds the lock of our page
  MappedFile endpoint;
  MappedFile counters;
  std::array<MappedFile, 2> segments;
  std::uint32_t slot = kSlots;

  const Control& control() const { return *reinterpret_cast<const Control*>(ctl.data()); }

  WorkerSlot& own() { return reinterpret_cast<WorkerSlot*>(slots.data())[slot]; }

  std::span<EndpointCounter> counter_lines() const {
    return {reinterpret_cast<EndpointCounter*>(counters.data()),
            counters.bytes() / sizeof(EndpointCounter)};
  }

  // Maps more of a segment when the writer says that there is more. What it says is only a hint:
  // the size that is believed is fstat's.
  void follow_growth(std::uint8_t index) {
    const std::uint64_t used = load_word(control().high_water[index], kRelaxed);
    if (used > segments[index].bytes()) segments[index].extend();
  }

  void announce() {
    const std::uint64_t epoch = load_word(control().epoch, kAcquire);
    // Release: what was read through earlier snapshots is read before this is seen.
    store_word(own().epoch, epoch, std::memory_order_release);
  }

  void set_directory(const std::string& path) {
    directory = path;
    ctl_path = table_file(path, "ctl");
  }

  Result<void> open_files();
  Result<void> open_file(MappedFile& file, const char* name, Access access,
                         std::size_t reserve_bytes);
  void take(std::uint32_t index, const WorkerIdentity& identity);
};

ReadMapping::ReadMapping(std::unique_ptr<State> state) : state_(std::move(state)) {}

ReadMapping::~ReadMapping() = default;

Result<void> ReadMapping::State::open_file(MappedFile& file, const char* name, Access access,
                                           std::size_t reserve_bytes) {
  Result<MappedFile> opened = MappedFile::open(table_file(directory, name), access, reserve_bytes);
  if (!opened) return propagate(std::move(opened), "opening the route table");
  file = std::move(*opened);
  return {};
}

Result<void> ReadMapping::State::open_files() {
  if (Result<void> opened = open_file(ctl, "ctl", Access::kRead, sizeof(Control)); !opened) {
    return opened;
  }
  if (Result<void> header = check_header(ctl); !header) {
    return propagate(std::move(header), "opening the route table");
  }

  const struct {
    MappedFile* file;
    const char* name;
    std::size_t reserve_bytes;
  } plans[] = {
      {&segments[0], "segment.A", kSegmentReserve},
      {&segments[1], "segment.B", kSegmentReserve},
      {&endpoint, "endpoint", kEndpointReserve},
  };

  for (const auto& plan : plans) {
    Result<void> opened = open_file(*plan.file, plan.name, Access::kRead, plan.reserve_bytes);
    if (!opened) return opened;
  }
  // Tools may lack the permission to count: they only read.
  Result<void> counted = open_file(counters, "counters", Access::kReadWrite, kCountersReserve);
  if (!counted && counted.error().code == Errc::kNotFound) return counted;
  return {};
}

Result<std::unique_ptr<ReadMapping>> ReadMapping::open(const std::string& directory) {
  auto state = std::make_unique<State>();
  state->set_directory(directory);
  if (Result<void> opened = state->open_files(); !opened) {
    return tl::unexpected<Error>(std::move(opened.error()));
  }
  return std::unique_ptr<ReadMapping>(new ReadMapping(std::move(state)));
}

Result<std::unique_ptr<ReadMapping>> ReadMapping::open_beside(Arena& arena) {
  auto state = std::make_unique<State>();
  Arena::State& writer = *arena.state_;
  state->set_directory(writer.options.directory);
  state->ctl = MappedFile::borrow(writer.ctl);
  state->endpoint = MappedFile::borrow(writer.endpoint);
  state->counters = MappedFile::borrow(writer.counters);
  state->slots = MappedFile::borrow(writer.slots);
  for (std::size_t i = 0; i < state->segments.size(); ++i) {
    state->segments[i] = MappedFile::borrow(writer.segments[i].file);
  }
  return std::unique_ptr<ReadMapping>(new ReadMapping(std::move(state)));
}

Result<void> ReadMapping::take_slot(const WorkerIdentity& identity) {
  State& state = *state_;
  const std::size_t slots_bytes = kSlots * kSlotBytes;
  Result<MappedFile> opened =
      MappedFile::open(table_file(state.directory, "slots"), Access::kReadWrite, slots_bytes);
  if (!opened) return propagate(std::move(opened), "taking a worker slot");
  if (opened->bytes() < slots_bytes) return fail(Errc::kInvalid, "the worker slots are cut off");
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    const Result<bool> locked =
        try_lock(opened->fd(), {std::uint64_t{slot} * kSlotBytes, kSlotBytes});
    if (!locked) return tl::unexpected<Error>(locked.error());
    if (!*locked) continue;
    state.slots_lock = std::move(*opened);
    if (state.slots.data() == nullptr) state.slots = MappedFile::borrow(state.slots_lock);
    state.take(slot, identity);
    return {};
  }
  return fail(Errc::kFull, "all worker slots are in use");
}

void ReadMapping::State::take(std::uint32_t index, const WorkerIdentity& identity) {
  slot = index;
  WorkerSlot& page = own();
  settle_counts(page, counter_lines());
  page.instance = identity.instance;
  page.pid = identity.pid;
  page.module_version = identity.module_version;
  page.adopted_generation = 0;
  // Two seq_cst steps: either the controller sees that this slot is in use, or this load sees the
  // epoch it had stored before it looked, and every later enter() the root before that.
  std::atomic_ref<std::uint64_t> epoch(page.epoch);
  epoch.exchange(load_word(control().epoch, kAcquire), std::memory_order_seq_cst);
  epoch.store(load_word(control().epoch, std::memory_order_seq_cst), std::memory_order_release);
}

std::uint32_t ReadMapping::slot() const {
  return state_->slot;
}

Snapshot ReadMapping::enter() {
  State& state = *state_;
  Snapshot snapshot;
  if (state.slot < kSlots) {
    // The fence comes first: a later bump means that what is read from here on can't be trusted.
    snapshot.fence = load_word(state.control().fence[state.slot], kAcquire);
    state.announce();
  }
  const std::uint64_t word = load_word(state.control().root_word, kAcquire);
  const std::uint8_t index = root_word_segment(word);
  snapshot.root_word = word;
  if (word == 0 || index >= state.segments.size()) return snapshot;
  state.follow_growth(index);
  const MappedFile& segment = state.segments[index];
  snapshot.base = segment.data();
  snapshot.units = segment.bytes() / 8;
  snapshot.root = word_offset(word);
  return snapshot;
}

bool ReadMapping::unmoved(const Snapshot& snapshot) const {
  const State& state = *state_;
// Thread sanitizer doesn't model fences; what they order here is checked between processes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
  // What was copied is copied before the words below are loaded again.
  std::atomic_thread_fence(kAcquire);
#pragma GCC diagnostic pop
  if (state.slot < kSlots) {
    return load_word(state.control().fence[state.slot], kRelaxed) == snapshot.fence;
  }
  return load_word(state.control().root_word, kRelaxed) == snapshot.root_word;
}

void ReadMapping::idle() {
  if (state_->slot < kSlots) state_->announce();
}

bool ReadMapping::stale() const {
  struct stat ours = {};
  struct stat there = {};
  if (fstat(state_->ctl.fd(), &ours) != 0) return false;
  if (stat(state_->ctl_path.c_str(), &there) != 0) return false;
  return ours.st_ino != there.st_ino || ours.st_dev != there.st_dev;
}

std::uint64_t ReadMapping::incarnation() const {
  return load_word(state_->control().incarnation, kRelaxed);
}

std::span<const std::byte> ReadMapping::segment(std::uint8_t index) {
  if (index >= state_->segments.size()) return {};
  state_->follow_growth(index);
  return {state_->segments[index].data(), state_->segments[index].bytes()};
}

std::span<const std::byte> ReadMapping::endpoint_file(std::size_t wanted_bytes) {
  if (wanted_bytes > state_->endpoint.bytes()) state_->endpoint.extend();
  return {state_->endpoint.data(), state_->endpoint.bytes()};
}

std::span<std::byte> ReadMapping::counters_file(std::size_t wanted_bytes) {
  if (wanted_bytes > state_->counters.bytes() && state_->counters.fd() >= 0) {
    state_->counters.extend();
  }
  return {state_->counters.data(), state_->counters.bytes()};
}

void ReadMapping::set_adopted_generation(std::uint64_t generation) {
  if (state_->slot < kSlots) store_word(state_->own().adopted_generation, generation, kRelaxed);
}

bool ReadMapping::count_started(std::uint32_t counter) {
  State& state = *state_;
  if (state.slot >= kSlots) return false;
  counters_file((std::size_t{counter} + 1) * sizeof(EndpointCounter));
  return raise_count(state.own(), state.counter_lines(), counter);
}

void ReadMapping::count_finished(std::uint32_t counter) {
  State& state = *state_;
  if (state.slot < kSlots) lower_count(state.own(), state.counter_lines(), counter);
}

}  // namespace sluice::arena
