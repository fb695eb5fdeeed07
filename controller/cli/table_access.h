// Opens the table that a verb means and reads it in one consistent state.
//
// Process: sluicectl.   Has no worker slot, so memory may be reused while it is read: what was read
// counts only when the root is still the same afterwards.
// Fails: kNotFound without a table, kUnavailable when it changes faster than it can be read.
#pragma once

#include <functional>
#include <string>

#include "controller/cli/verbs.h"
#include "shared/arena/read_mapping.h"
#include "shared/base/result.h"
#include "shared/table/reader.h"

namespace sluice::cli {

// Calls `read` until the table stood still meanwhile; the last call's result counts.
Result<void> read_table(
    const TargetOptions& target,
    const std::function<Result<void>(const table::Reader&, arena::ReadMapping&)>& read);

}  // namespace sluice::cli
