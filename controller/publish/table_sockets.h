// The sockets of the listeners in the published table: what the controller before had opened.
//
// Process: controller, which holds the lock of `directory`, before it publishes.   Thread: event
// loop.   Fails: never; without a table there are none, and what makes no sense is left out.
// Tested by: test/unit/controller/publish/table_sockets_test.cc, test/kube/test_snapshot.py
#pragma once

#include <set>
#include <string>

#include "controller/resolve/delta.h"

namespace sluice::publish {

std::set<resolve::Socket> sockets_of_table(const std::string& directory);

}  // namespace sluice::publish
