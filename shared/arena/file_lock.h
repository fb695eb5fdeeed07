// Open-file-description locks on byte ranges: held by the open(2) that took them, released by the
// kernel with its last descriptor, however the process ends.
// Process: all.   Fails: as errno says; "somebody else holds it" is a value.
#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/result.h"

namespace sluice::arena {

struct LockRange {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;  // 0: to the end, wherever that is
};

// True: taken (exclusively). False: somebody else holds a part of it.
Result<bool> try_lock(int fd, LockRange range);
void unlock(int fd, LockRange range);
// One lock that another open(2) holds in the range, or none.
std::optional<LockRange> find_foreign_lock(int fd, LockRange range);

}  // namespace sluice::arena
