// Writes the index that finds the entries of a node by one exact header each.
//
// An entry is filed under the rarest (name, value) among its exact headers, so that a request meets
// few entries that fail; an entry without one, and the entries of names beyond kMaxIndexNames, stay
// in the residual list. Whoever reads merges what it finds by entry number: that is the precedence.
//
// Process: controller.   Thread: event loop.
// Tested by: test/unit/shared/table/editor_test.cc, test/property/match_random_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "shared/table/blob_builder.h"
#include "shared/table/rules.h"

namespace sluice::table {

// Appends the index of `entries` (in precedence order) to the node's blob, which must be written
// with alignment 64. Returns its position; none when no entry can be filed.
std::optional<std::size_t> add_header_index(BlobBuilder& blob,
                                            std::span<const std::shared_ptr<const Rule>> entries,
                                            std::uint64_t seed);

}  // namespace sluice::table
