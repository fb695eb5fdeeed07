// The whole table as text: one line per rule, sorted, the same for the same content however the
// table came about. It is the golden format of tests, what `sluicectl dump` prints, and how
// "incremental = full" is checked: whatever a reader's answer depends on is in it, but for where
// things lie.
//
//   listener default/web/http  *:80 -> [0.0.0.0:8080 [::]:8080]
//     host *.example.com
//       prefix /api  GET  header version=one  -> default/store rule 0 match 1 -> default/a:80
//
// Process: sluicectl, controller, tests.   Thread: one.   Fails: never; what makes no sense is a
// line that begins with "!!". Takes time in proportion to the mapping even when it is corrupt.
// Format: shared/doc/table_format.md, "A dumped example"
// Tested by: test/unit/shared/table/dump_test.cc, test/fuzz/table_corruption_test.cc
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shared/table/reader.h"

namespace sluice::arena {
class ReadMapping;
}

namespace sluice::table {

// The endpoints of a slot, as texts in their order; empty: none, or the slot was given away.
using EndpointLookup =
    std::function<std::vector<std::string>(std::uint32_t slot, std::uint32_t incarnation)>;

struct DumpOptions {
  bool placement = false;              // also generation, ids, slots and offsets
  EndpointLookup endpoints = nullptr;  // null: no section of backends
};

std::string dump(const Reader& reader, const DumpOptions& options = {});

// Reads the endpoints that are published now. Borrows the mapping.
EndpointLookup published_endpoints(arena::ReadMapping& mapping);

}  // namespace sluice::table
