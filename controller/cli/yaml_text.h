// JSON as YAML text that any YAML reader takes back as the same value.
//
// Process: sluicectl.   Pure.   Tested by: test/unit/controller/cli/text_output_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice::cli {

std::string to_yaml(const nlohmann::json& value);

}  // namespace sluice::cli
