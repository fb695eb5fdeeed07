// The filters of a rule or a backendRef as one line of a dump.
// Process: sluicectl, controller, tests.   Tested by: test/unit/shared/table/filter_reader_test.cc
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "shared/table/format.h"

namespace sluice::table {

// What a mirror copies to: its name as it stands in the dump, and its record.
using MirrorVisitor = std::function<void(const std::string& name, const Filter& mirror)>;

// " [set x-a=b remove x-c] [redirect 301 scheme https]"; "!!" for what makes no sense.
std::string filters_text(std::string_view list, const MirrorVisitor& on_mirror);

// " retry 2 after 25ms on 500 503".
std::string retry_text(const Retry& retry);

}  // namespace sluice::table
