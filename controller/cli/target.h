// Which Sluice a verb talks to: -f DIR (offline), --state-dir or --socket (live), --table (dump and
// explain); without any: $SLUICE_STATE_DIR, /run/sluice, else the only `run` of this user.
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/run_place_test.cc
#pragma once

#include <memory>
#include <string>

#include "controller/cli/verbs.h"
#include "shared/base/result.h"

namespace sluice::cli {

// The control socket. Fails: kInvalid when more than one Sluice is meant, kNotFound when there is
// none.
Result<std::string> find_socket(const TargetOptions& options);

// Prints the error on stderr and returns the exit code that it deserves.
int report_error(const Error& error);

}  // namespace sluice::cli
