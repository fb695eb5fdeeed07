// The larger parts of a Gateway's spec.
#pragma once

#include <string>
#include <vector>

#include "controller/model/decode/field_reader.h"
#include "controller/model/gateway.h"

namespace sluice::model {

// spec.listeners with every rule between listeners.
std::vector<Listener> read_listeners(FieldReader& spec);

// group and kind have defaults ("" and Secret).
SecretRef read_secret_ref(FieldReader& ref);

// spec.tls: checked, and listed in `unsupported`.
void check_gateway_tls(FieldReader& spec, std::vector<std::string>& unsupported);

}  // namespace sluice::model
