// Chooses one endpoint of a backend: two random ones, of which the one with fewer running requests
// (over all workers) answers. Endpoints that this request tried come last, endpoints that failed
// lately come after the healthy ones; neither is ever shut out while it is the only one.
//
// The list is read anew for each try: (slot, incarnation) says whose it is, so that a request that
// waited can never reach a stranger's endpoints.
//
// Process: nginx worker.   Thread: event loop.   Allocates: nothing.   Trusts no byte of the files.
// Cost: constant, but for lists with many failed or tried endpoints: then at most kMaxScan.
// Format: shared/doc/table_format.md, "Endpoints"
// Tested by: test/unit/ngx_module/balance/endpoint_choice_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ngx_module/balance/random.h"
#include "ngx_module/core/plan.h"
#include "shared/table/endpoints.h"
#include "shared/table/format.h"

namespace sluice::arena {
class ReadMapping;
}

namespace sluice::balance {

inline constexpr std::uint32_t kMaxScan = 64;
inline constexpr std::size_t kMaxTries = 8;
inline constexpr std::size_t kMaxUnixPath = 107;

// A copy of one endpoint. unix_path: of kUnix, with `path_bytes`.
struct Target {
  table::Endpoint endpoint{};
  char unix_path[kMaxUnixPath + 1] = {};

  std::string_view path() const { return {unix_path, endpoint.path_bytes}; }
};

// What one request tried already, by address.
class Tried {
 public:
  void add(const Target& target);
  // The last one does not count: until the next is added, it only comes after healthy ones.
  void doubt_last();
  bool has(const table::Endpoint& endpoint) const;
  bool doubts(const table::Endpoint& endpoint) const;

  std::size_t size() const { return count_; }

 private:
  std::array<table::Endpoint, kMaxTries> endpoints_{};
  std::size_t count_ = 0;
  bool doubted_ = false;  // the endpoint behind the last one
};

enum class Choice : std::uint8_t {
  kChosen,
  kGone,         // the slot belongs to another backend now, or the bytes make no sense
  kNoEndpoints,  // 503
  kNoTrust,      // 500: there is nothing to verify the endpoints with
};

core::Reason reason_of(Choice choice);

struct Chosen {
  Choice choice = Choice::kGone;
  std::uint32_t endpoints = 0;  // how many there are: bounds the tries
  // A table::BackendTls record with its parts, still in the mapping: compare or copy it before
  // asking unmoved(). Empty: plain.
  std::string_view tls;
};

// Whether the backend has an endpoint at all, and one that may be connected to. `plain`, here and
// below: what its endpoints are verified by is not asked for (never kNoTrust).
Choice check_backend(arena::ReadMapping& mapping, table::SlotRef backend, bool plain = false);

// False also when that cannot be told: the slot belongs to another backend now.
bool has_left(arena::ReadMapping& mapping, table::SlotRef backend, const table::Endpoint& endpoint);

// What a try brings along.
struct Asking {
  const Tried& tried;
  std::uint64_t now_ms;  // CLOCK_MONOTONIC
  Random& random;
  bool plain = false;
};

Chosen choose_endpoint(arena::ReadMapping& mapping, table::SlotRef backend, const Asking& asking,
                       Target& target);

}  // namespace sluice::balance
