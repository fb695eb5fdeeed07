// The inverse of status_json.h: what a cluster shows of an object, so that a controller that starts
// goes on from there.
//
// Process: controller.   Pure.   Never fails: what makes no sense, or is another controller's, is
// left out.   Tested by: test/unit/controller/status/parse_status_test.cc
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/status/show.h"

namespace sluice::status {

Shown parse_status(model::Kind kind, const nlohmann::json& status,
                   const std::string& controller_name);

}  // namespace sluice::status
