// Which nginx a worker belongs to: the same for all workers of one master, another after a restart.
// Process: nginx worker.   Fails: falls back to the process id alone.
#pragma once

#include <cstdint>

namespace sluice::listen {

std::uint64_t instance_of_master();

}  // namespace sluice::listen
