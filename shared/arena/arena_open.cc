// Takes a directory over: from nobody, from a predecessor that stopped, or from one that was killed
// anywhere (shared/doc/publication.md, "Crash cases").

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "shared/arena/arena_state.h"
#include "shared/arena/file_lock.h"
#include "shared/arena/paths.h"
#include "shared/arena/shared_word.h"
#include "shared/base/bytes.h"

namespace sluice::arena {
namespace {

constexpr std::size_t kFirstSideFileBytes = std::size_t{64} << 10;
constexpr off_t kReserveBytes = off_t{1} << 20;
constexpr std::uint64_t kTakeoverPatienceMs = 1000;

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;

std::uint64_t monotonic_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

// /dev/shm is writable for everybody: a directory that somebody else put there is not ours.
Result<uid_t> check_owner(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return fail_errno("looking at " + path);
  if (!S_ISDIR(status.st_mode)) return fail(Errc::kInvalid, path + " is not a directory");
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return fail(Errc::kConflict, path + " belongs to another user");
  }
  return status.st_uid;
}

Result<void> make_directories(const ArenaOptions& options) {
  // The upper one may be somebody's existing directory: its mode is not ours to change.
  const std::string& upper = options.directory;
  if (mkdir(upper.c_str(), 0755) != 0) {
    if (errno != EEXIST) return fail_errno("making " + upper);
  } else if (chmod(upper.c_str(), 0755) != 0) {  // whatever the umask: workers pass through it
    return fail_errno("setting the mode of " + upper);
  }
  Result<uid_t> owner = check_owner(upper);
  if (!owner) return tl::unexpected<Error>(std::move(owner.error()));

  const std::string path = table_directory(upper);
  if (mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return fail_errno("making " + path);
  owner = check_owner(path);
  if (!owner) return tl::unexpected<Error>(std::move(owner.error()));
  if (*owner != geteuid()) return {};
  if (options.gid != static_cast<std::uint32_t>(-1) &&
      chown(path.c_str(), static_cast<uid_t>(-1), options.gid) != 0) {
    return fail_errno("giving " + path + " its group");
  }
  if (chmod(path.c_str(), 02750) != 0) return fail_errno("setting the mode of " + path);
  return {};
}

struct FilePlan {
  const char* name;
  mode_t mode;
  std::size_t first_bytes;
  std::size_t reserve_bytes;
};

Result<void> create_file(MappedFile& file, const ArenaOptions& options, const FilePlan& plan) {
  Result<MappedFile> created = MappedFile::create(table_file(options.directory, plan.name),
                                                  {.mode = plan.mode,
                                                   .gid = options.gid,
                                                   .first_bytes = plan.first_bytes,
                                                   .reserve_bytes = plan.reserve_bytes});
  if (!created) return propagate(std::move(created), "opening the table directory");
  file = std::move(*created);
  return {};
}

// `magic` is written last, so that a reader never sees half a header.
Result<void> check_or_write_header(Control& control) {
  if (load_word(control.magic, std::memory_order_acquire) == 0) {
    control.byte_order = kByteOrder;
    control.epoch = 1;
    store_word(control.magic, kMagic, std::memory_order_release);
  }
  if (control.magic != kMagic || control.byte_order != kByteOrder) {
    return fail(Errc::kInvalid, "the table directory is not one of ours");
  }
  if (control.incompatible_features != 0) {
    return fail(Errc::kInvalid, "the table directory was written by a newer version");
  }
  return {};
}

// The generation of the published root. A predecessor may have been killed after it stored the root
// and before it stored the generation: then the root word's bits are ahead.
std::uint64_t generation_of_root(const Control& control) {
  constexpr std::uint64_t kBits = 0xffffff;
  const std::uint64_t bits = root_word_generation_bits(load_word(control.root_word, kRelaxed));
  const std::uint64_t stored = load_word(control.generation, kRelaxed);
  const std::uint64_t generation = (stored & ~kBits) | bits;
  return generation >= stored ? generation : generation + kBits + 1;
}

}  // namespace

bool Arena::State::slots_point_into(std::uint8_t segment) const {
  for (std::size_t at = 0; at + kEndpointSlotBytes <= endpoint.bytes(); at += kEndpointSlotBytes) {
    const auto& word = *reinterpret_cast<const std::uint64_t*>(endpoint.data() + at);
    const std::uint64_t value = load_word(word, kRelaxed);
    if (word_offset(value) != 0 && slot_word_segment(value) == segment) return true;
  }
  return false;
}

Result<void> Arena::State::open_files() {
  const FilePlan ctl_plan = {"ctl", 0640, sizeof(Control), sizeof(Control)};
  if (Result<void> created = create_file(ctl, options, ctl_plan); !created) return created;
  const Result<bool> locked = try_lock(ctl.fd(), {});
  if (!locked) return tl::unexpected<Error>(locked.error());
  if (!*locked) {
    return fail(Errc::kConflict, "another controller holds " + options.directory);
  }
  if (Result<void> header = check_or_write_header(control()); !header) return header;

  const std::size_t slots_bytes = kSlots * kSlotBytes;
  const std::pair<MappedFile*, FilePlan> plans[] = {
      {&slots, {"slots", 0660, slots_bytes, slots_bytes}},
      {&counters, {"counters", 0660, kFirstSideFileBytes, kCountersReserve}},
      {&endpoint, {"endpoint", 0640, kFirstSideFileBytes, kEndpointReserve}},
      {&segments[0].file, {"segment.A", 0640, 0, options.reserve_bytes}},
      {&segments[1].file, {"segment.B", 0640, 0, options.reserve_bytes}},
  };
  for (const auto& [file, plan] : plans) {
    if (Result<void> created = create_file(*file, options, plan); !created) return created;
  }
  workers = WorkerSlots(&control(), reinterpret_cast<WorkerSlot*>(slots.data()), slots.fd());
  const std::string path = table_file(options.directory, "reserve");
  reserve = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!reserve) return fail_errno("opening " + path);
  hold_reserve();
  return {};
}

void Arena::State::hold_reserve() {
  (void)!::posix_fallocate(reserve.get(), 0, kReserveBytes);
}

bool Arena::State::give_reserve_up() {
  struct stat status{};
  return ::fstat(reserve.get(), &status) == 0 && status.st_size > 0 &&
         ::ftruncate(reserve.get(), 0) == 0;
}

Result<void> Arena::State::take_over() {
  Control& shared = control();
  store_word(shared.incarnation, load_word(shared.incarnation, kRelaxed) + 1, kRelaxed);
  // The predecessor may have unlinked something and died before it counted the epoch.
  const std::uint64_t epoch = load_word(shared.epoch, kRelaxed) + 1;
  store_word(shared.epoch, std::max(epoch, load_word(shared.quiet_epoch, kRelaxed)),
             std::memory_order_seq_cst);

  const std::uint64_t root_word = load_word(shared.root_word, kRelaxed);
  if (root_word != 0) {
    published = root_word_segment(root_word) & 1;
    predecessor_generation = generation_of_root(shared);
    store_word(shared.generation, predecessor_generation, kRelaxed);
  }
  current = published ? static_cast<std::uint8_t>(1 - *published) : 0;
  Segment& segment = here();
  if (slots_point_into(current)) {
    // It died while it moved over to this segment: what slots point to stays where it is.
    segment.blocks.reset(std::min<std::uint64_t>(load_word(shared.high_water[current], kRelaxed),
                                                 segment.file.bytes()));
  } else {
    wait_for_quiet();
    store_word(shared.high_water[current], std::uint64_t{0}, kRelaxed);
    segment.blocks.reset(0);
  }
  // What is missing is asked for when it is needed.
  const Result<void> grown = segment.file.grow(options.segment_bytes);
  return grown || grown.error().code == Errc::kFull ? Result<void>{} : grown;
}

// Until no worker reads the segment that the root doesn't use: mostly at once.
void Arena::State::wait_for_quiet() {
  const std::uint64_t quiet = load_word(control().quiet_epoch, kRelaxed);
  const std::uint64_t start_ms = monotonic_ms();
  std::uint64_t now_ms = start_ms;
  // Patience ends for everybody at the same time, whatever epochs somebody may make up.
  while (workers.passed_epoch(
             now_ms, now_ms - start_ms < kTakeoverPatienceMs ? kTakeoverPatienceMs : 0) < quiet) {
    const timespec nap = {.tv_sec = 0, .tv_nsec = 1000000};
    nanosleep(&nap, nullptr);
    now_ms = monotonic_ms();
  }
  workers.fence_silent();
}

Result<std::unique_ptr<Arena>> Arena::open(const ArenaOptions& options) {
  if (Result<void> made = make_directories(options); !made) {
    return propagate(std::move(made), "opening the table directory");
  }
  auto state = std::make_unique<State>();
  state->options = options;
  if (Result<void> opened = state->open_files(); !opened) {
    return tl::unexpected<Error>(std::move(opened.error()));
  }
  if (Result<void> taken = state->take_over(); !taken) {
    return propagate(std::move(taken), "taking the table over");
  }
  return std::unique_ptr<Arena>(new Arena(std::move(state)));
}

}  // namespace sluice::arena
