// Objects with their status, from a live controller or from a directory, and as rows of a table.
//
// Process: sluicectl.   Tested by: test/unit/controller/cli/text_output_test.cc
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"
#include "controller/model/object.h"
#include "shared/base/result.h"

namespace sluice::cli {

struct Selection {
  model::Kind kind = model::Kind::kGateway;
  std::string ns;    // "": all
  std::string name;  // "": all
};

Result<std::vector<nlohmann::json>> fetch_objects(const TargetOptions& target,
                                                  const Selection& selection);

// Errc::kInvalid with the known words.
Result<model::Kind> parse_kind(const std::string& word);

struct TableShape {
  bool wide = false;
  bool namespaces = false;
  bool headers = true;
};

std::vector<Row> object_rows(model::Kind kind, const std::vector<nlohmann::json>& objects,
                             const TableShape& shape);

// "httproute.gateway.networking.k8s.io/web"
std::string resource_name(model::Kind kind, const nlohmann::json& object);

}  // namespace sluice::cli
