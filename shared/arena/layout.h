// The fixed files of the arena's directory: ctl, slots, counters. Same rules as
// shared/table/format.h.
// Format: shared/doc/table_format.md, "Control files".   Invariants: shared/doc/publication.md
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::arena {

inline constexpr std::uint64_t kMagic = 0x31656369756c5331;  // "1Sluice1"
inline constexpr std::uint32_t kSlots = 1024;
inline constexpr std::size_t kSlotBytes = 4096;
inline constexpr std::uint32_t kByteOrder = 0x01020304;

// Address space that is reserved for each file; a file never grows beyond it.
inline constexpr std::size_t kSegmentReserve = std::size_t{8} << 30;
inline constexpr std::size_t kEndpointReserve = std::size_t{1} << 30;
inline constexpr std::size_t kCountersReserve = std::size_t{1} << 30;

// Size of one record of the file `endpoint`, which starts with its slot word.
inline constexpr std::size_t kEndpointSlotBytes = 32;

// File `ctl`. Only the controller writes; every 8-byte member is accessed atomically after
// creation.
struct Control {
  std::uint64_t magic;
  std::uint32_t byte_order;             // 0x01020304
  std::uint32_t incompatible_features;  // a reader that doesn't know a set bit refuses the table
  std::uint32_t compatible_features;
  std::uint32_t reserved0;
  std::uint64_t incarnation;   // +1 per controller start
  std::uint64_t heartbeat_ms;  // CLOCK_MONOTONIC
  std::uint64_t reserved1[3];
  // -- one cache line --
  std::uint64_t root_word;      // [segment:8 | low generation bits:24 | offset:32]; 0 = none yet
  std::uint64_t generation;     // of the published root
  std::uint64_t epoch;          // +1 per publication (root or endpoint slot)
  std::uint64_t high_water[2];  // bytes in use from the segment's start: when to map more of it
  // A worker that announced this epoch sees of the root's other segment only what slot words point
  // to.
  std::uint64_t quiet_epoch;
  std::uint64_t reserved2[2];
  // -- --
  std::uint64_t fence[kSlots];  // bumped before memory is reclaimed past a silent worker
};

static_assert(sizeof(Control) == 128 + 8 * kSlots);

// Root word: [segment:8 | low generation bits:24 | offset:32].
constexpr std::uint64_t pack_root_word(std::uint8_t segment, std::uint64_t generation,
                                       std::uint32_t offset) {
  return std::uint64_t{segment} << 56 | (generation & 0xffffff) << 32 | offset;
}

// Slot word: [incarnation:24 | segment:8 | offset:32]; offset 0 = no endpoints.
constexpr std::uint64_t pack_slot_word(std::uint32_t incarnation, std::uint8_t segment,
                                       std::uint32_t offset) {
  return std::uint64_t{incarnation & 0xffffff} << 40 | std::uint64_t{segment} << 32 | offset;
}

constexpr std::uint8_t root_word_segment(std::uint64_t word) {
  return static_cast<std::uint8_t>(word >> 56);
}

constexpr std::uint32_t root_word_generation_bits(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32) & 0xffffff;
}

constexpr std::uint32_t slot_word_incarnation(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 40);
}

constexpr std::uint8_t slot_word_segment(std::uint64_t word) {
  return static_cast<std::uint8_t>(word >> 32);
}

// The low half of a root word or a slot word.
constexpr std::uint32_t word_offset(std::uint64_t word) {
  return static_cast<std::uint32_t>(word);
}

struct ActiveCount {
  std::uint32_t counter;  // line + 1; 0 = free
  std::uint32_t active;
};

inline constexpr std::size_t kActiveCounts = 496;

// One page of file `slots`. The worker that holds the page's OFD lock writes; the controller reads,
// and cleans a dead one's.
struct WorkerSlot {
  std::uint64_t instance;
  std::uint32_t pid;
  std::uint32_t module_version;
  std::uint64_t epoch;  // the newest the worker announced; 0 = none
  std::uint64_t adopted_generation;
  std::uint64_t reserved[12];
  ActiveCount active[kActiveCounts];
};

static_assert(sizeof(WorkerSlot) == kSlotBytes);

// One line of file `counters`, by endpoint address.
struct EndpointCounter {
  std::uint32_t incarnation;  // of the line's address
  std::uint32_t active;       // running requests of all workers
  std::uint32_t failures;     // in a row
  std::uint32_t reserved0;
  std::uint64_t retry_at_ms;  // CLOCK_MONOTONIC: a failed endpoint is tried last until then
  std::uint64_t identity[2];  // content hash of the address, for a restarted controller
  std::uint64_t reserved1[3];
};

static_assert(sizeof(EndpointCounter) == 64);

// A line by route of streams. Totals are since the line was given to the route; they outlive
// workers and controllers. Whoever has the identity where EndpointCounter has it is found alike.
struct RouteCounter {
  std::uint32_t incarnation;
  std::uint32_t active;        // connections, or sessions, of all workers
  std::uint64_t relayed;       // given to an endpoint
  std::uint64_t refused;       // closed without one
  std::uint64_t identity[2];   // content hash of kind, namespace and name
  std::uint64_t from_clients;  // bytes, once the connection has ended
  std::uint64_t to_clients;
  std::uint64_t reserved;
};

static_assert(sizeof(RouteCounter) == 64);

// A line by listening socket, and what became of connections that reached no route.
struct SocketCounter {
  std::uint32_t incarnation;
  std::uint32_t reserved0;
  std::uint64_t accepted;     // connections, or sessions
  std::uint64_t too_slow;     // the first bytes did not come in time
  std::uint64_t identity[2];  // content hash of the socket
  std::uint64_t malformed;    // the first bytes are none of this listener's protocol
  std::uint64_t no_route;     // none serves that server name, or there is none
  std::uint64_t reserved1;
};

static_assert(sizeof(SocketCounter) == 64);

}  // namespace sluice::arena
