// Two deltas, one after the other, as one: for a change that has to wait while others arrive.
//
// Pure.   Tested by: test/unit/controller/publish/merge_test.cc
#pragma once

#include "controller/resolve/delta.h"

namespace sluice::publish {

// What the table needs of both; findings are left out.
void merge(resolve::Delta& into, const resolve::Delta& newer);

}  // namespace sluice::publish
