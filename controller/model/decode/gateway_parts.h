// The larger parts of a Gateway's spec.
#pragma once

#include <vector>

#include "controller/model/decode/field_reader.h"
#include "controller/model/gateway.h"

namespace sluice::model {

// spec.listeners with every rule between listeners.
std::vector<Listener> read_listeners(FieldReader& spec);

// group and kind have defaults ("" and Secret).
ObjectRef read_secret_ref(FieldReader& ref);

// spec.tls.
void read_gateway_tls(FieldReader& spec, Gateway& gateway);

}  // namespace sluice::model
