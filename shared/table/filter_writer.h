// Writes filters behind the action that they belong to.
// Process: controller.   Thread: event loop.
// Tested by: test/unit/shared/table/filter_reader_test.cc
#pragma once

#include <cstddef>
#include <vector>

#include "shared/table/blob_builder.h"
#include "shared/table/filters.h"
#include "shared/table/transaction.h"

namespace sluice::table {

class EndpointTable;

// Appends a FilterList and links the Offset at position `field` to it; nothing for no filters.
// Fails: in the transaction, when a mirror's backend has no slot.
void add_filters(Transaction& tx, EndpointTable& endpoints, const std::vector<FilterValue>& filters,
                 std::size_t field, BlobBuilder& blob);

}  // namespace sluice::table
