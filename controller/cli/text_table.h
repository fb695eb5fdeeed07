// Columns for people, as kubectl prints them.
//
// Process: sluicectl.   Pure.   Tested by: test/unit/controller/cli/text_output_test.cc
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

using Row = std::vector<std::string>;

// Pads every column but the last to its widest cell; empty cells show as "<none>".
std::string format_table(const std::vector<Row>& rows);

}  // namespace sluice::cli
