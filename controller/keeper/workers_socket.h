// The socket that workers connect to.
//
// Process: controller.   Thread: event loop.   Tested by:
// test/unit/controller/keeper/keeper_test.cc
#pragma once

#include <cstdint>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace sluice::keeper {

// Listens at `path`, for the processes of this user and of the group `gid` (-1: this process's
// own). What a controller that is gone left there is removed. Errors: kInvalid for a path that is
// too long, kConflict when another controller serves it, else what the kernel says.
Result<UniqueFd> open_workers_socket(const std::string& path, std::uint32_t gid);

}  // namespace sluice::keeper
