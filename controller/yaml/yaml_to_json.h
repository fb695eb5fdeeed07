// One YAML or JSON document -> nlohmann::json, typed as Kubernetes types it.
//
// Quoted scalars stay strings ("1" is not 1); plain ones follow the rules that kubectl applies
// (YAML 1.1 as in sigs.k8s.io/yaml: yes/no/on/off are booleans). Anchors, aliases and merge keys
// are expanded within a budget, so that a "YAML bomb" is an error and not a full memory. A key
// twice in a mapping is an error, as it is for the API server.
//
// Process: controller, sluicectl.   Never throws: yaml-cpp does, and it is caught here and only
// here.
// Tested by: test/unit/controller/yaml/yaml_to_json_test.cc
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::yaml {

// JSON pointer ("/spec/rules/0") -> line within the document, from 1.
using LineMap = std::map<std::string, int, std::less<>>;

struct SyntaxError {
  int line = 1;  // within the document, from 1
  std::string message;
};

struct ParsedDocument {
  nlohmann::json json;
  LineMap lines;                     // empty for JSON text, which carries no marks
  std::optional<SyntaxError> error;  // json is null then
};

ParsedDocument parse_yaml(std::string_view text);
ParsedDocument parse_json(std::string_view text);

// The line of the field at `field_path` ("spec.rules[0].matches[1].path") or of the nearest parent
// that is known, below `prefix` (a JSON pointer, "" for the document); 0 when nothing is known.
int find_line(const LineMap& lines, std::string_view prefix, std::string_view field_path);

}  // namespace sluice::yaml
