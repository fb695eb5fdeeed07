// Backends' endpoints: one 8-byte slot per backend, swapped in place, untouched by route changes.
//
// A slot belongs to one BackendId. Its incarnation changes when it is given to another; an action
// that names (slot, incarnation) can never reach a stranger's endpoints. A released slot is reused
// only after every root that knows it is reclaimed.
// Counters (file `counters`) are shared by address: two backends with one address share its active
// count. A line keeps its address until nobody uses it, no request runs on it and another address
// needs it.
//
// Process: controller.   Thread: event loop.   Owns: the heap copy of all lists; borrows the Arena.
// Fails: Errc::kFull when the arena or a file has no room; the list before stays published.
// Format: shared/doc/table_format.md, "Endpoints".   Publication: shared/doc/publication.md
// Tested by: test/unit/shared/table/endpoints_test.cc
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "shared/base/result.h"
#include "shared/table/backend_tls.h"
#include "shared/table/format.h"
#include "shared/table/rules.h"

namespace sluice::arena {
class Arena;
}

namespace sluice::table {

struct TableCounters;

struct EndpointAddress {
  Family family = Family::kIpv4;
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> address{};
  std::string path;  // kUnix
  auto operator<=>(const EndpointAddress&) const = default;
};

struct SlotRef {
  std::uint32_t slot = 0;
  std::uint32_t incarnation = 0;  // never 0 for a real one
  bool operator==(const SlotRef&) const = default;
};

class EndpointTable {
 public:
  // Adopts slots and counter lines of a predecessor by identity; their lists are written again by
  // put(). A slot whose backend doesn't come back is freed when the predecessor's root is gone.
  static Result<std::unique_ptr<EndpointTable>> open(arena::Arena& arena);
  ~EndpointTable();

  // Publishes the endpoints of `backend`, and how they are reached, at once (8-byte store) and
  // takes a slot if it has none. An empty list answers 503. The same again costs nothing.
  Result<SlotRef> put(const BackendId& backend, std::span<const EndpointAddress> endpoints,
                      const std::optional<BackendTlsRule>& tls = std::nullopt);

  // Releases the slot: it keeps its endpoints until the roots that know it are gone, and a put()
  // or find_or_reserve() before that takes it back.
  void remove(const BackendId& backend);

  // The slot of `backend`; takes one, without endpoints, when there was no put() yet. The Editor
  // asks this while it writes actions.
  Result<SlotRef> find_or_reserve(const BackendId& backend);

  // Frees the slots whose roots are gone. put() and remove() do it too; call it before a
  // compaction.
  void collect();

  // Of endpoint addresses, and of what else the table counts.
  TableCounters& counters();

  // For compaction: writes all lists into the arena's current segment. When that fails, no slot
  // word has changed, and the arena may go back.
  Result<void> rewrite();

 private:
  struct State;
  explicit EndpointTable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::table
