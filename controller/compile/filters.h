// Resolved filters -> the values that the Editor takes. Pure.
//
// Tested by: test/unit/controller/compile/filters_test.cc
#pragma once

#include <vector>

#include "controller/resolve/delta.h"
#include "shared/table/filters.h"

namespace sluice::compile {

table::BackendProtocol to_protocol(resolve::BackendProtocol protocol);

// In the user's order. Of a header modifier: what it sets, then what it adds, then what it removes.
std::vector<table::FilterValue> to_filters(const std::vector<resolve::ResolvedFilter>& filters);

}  // namespace sluice::compile
