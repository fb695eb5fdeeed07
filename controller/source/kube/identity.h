// Who a controller is among those that share a Lease: the machine's name, and a random number that
// is kept in STATE/identity, so that it is the same after a restart.
//
// Process: controller.   Fails: when the number can't be read, or made and kept.
// Tested by: test/unit/controller/source/kube/identity_test.cc
#pragma once

#include <string>

#include "shared/base/result.h"

namespace sluice::source {

Result<std::string> identity_in(const std::string& state_directory);

}  // namespace sluice::source
