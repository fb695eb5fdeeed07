// JSON text of one object -> typed object, with the CRD's defaults and refusals.
//
// What the CRD (structural schema and CEL) would refuse is refused with the same field path; what
// it would prune is a warning. The rules are the constants of each kind's file; each has its case
// in test/unit/controller/model/decode/. Stricter than the CRD in one thing: an IP address is no
// hostname.
//
// Process: controller, sluicectl.   Never throws, never stops anything: bad input is a list of
// Problems. Tested by: test/unit/controller/model/decode/
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "controller/model/store.h"

namespace sluice::model {

struct Decoded {
  std::shared_ptr<const Object> object;  // null: refused, or of a kind that is not served
  ObjectKey key;                         // set when `known`
  bool known = false;                    // apiVersion and kind are ones Sluice reads
  std::string ignored_kind;              // "apps/v1 Deployment" when not known
  std::vector<Problem> errors;
  std::vector<Problem> warnings;  // unknown fields (errors for `check`), selector notes
};

// `position` is copied into every problem.
Decoded decode_object(const nlohmann::json& json, const Position& position);

}  // namespace sluice::model
