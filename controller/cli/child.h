// A child process that dies with us and doesn't hear the terminal's Ctrl-C.
//
// Process: sluicectl run.   Thread: main (the kernel ties the child's life to the thread that
// started it).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "shared/base/result.h"

namespace sluice::cli {

// Starts arguments[0] with stdin from /dev/null.
Result<pid_t> start_child(const std::vector<std::string>& arguments);

struct Captured {
  int exit_code = 0;   // 128 + signal when it was killed
  std::string output;  // stdout and stderr
};

// Runs a short-lived program to its end.
Result<Captured> run_to_end(const std::vector<std::string>& arguments);

// "exited with 1", "was killed by signal 9": for people.
std::string describe_exit(int wait_status);

}  // namespace sluice::cli
