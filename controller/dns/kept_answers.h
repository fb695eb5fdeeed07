// The last good answers, in a file of the state directory: a line per name, "NAME ADDRESS ...".
//
// Written anew by rename; a crash loses at most the last change. Lines that make no sense are left
// out.
//
// Process: controller.   Thread: event loop.
// Tested by: test/unit/controller/dns/kept_answers_test.cc
#pragma once

#include <string>
#include <vector>

#include "controller/model/host_answer.h"
#include "shared/base/result.h"

namespace sluice::dns {

// No file: no answers.
Result<std::vector<model::HostAnswer>> read_answers(const std::string& directory);
Result<void> write_answers(const std::string& directory,
                           const std::vector<model::HostAnswer>& answers);

}  // namespace sluice::dns
