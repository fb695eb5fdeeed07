// JSON as YAML for people: blocks, one line per condition.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice::golden {

// Every line starts with `indent` blanks.
std::string yaml_text(const nlohmann::json& value, int indent);

}  // namespace sluice::golden
