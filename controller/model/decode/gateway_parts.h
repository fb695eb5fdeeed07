// The larger parts of the specs of Gateways and ListenerSets.
#pragma once

#include <string_view>
#include <vector>

#include "controller/model/decode/field_reader.h"
#include "controller/model/gateway.h"

namespace sluice::model {

// Which namespaces `reader` lets in. A selector that is asked for and not there selects nothing, as
// in Kubernetes. `rule` has the choices that the field has, `fallback` its default.
FromNamespaces read_namespaces(FieldReader& reader, std::string_view fallback, const TextRule& rule,
                               LabelSelector& selector);

// spec.listeners with every rule between listeners.
std::vector<Listener> read_listeners(FieldReader& spec);

// group and kind have defaults ("" and Secret).
ObjectRef read_secret_ref(FieldReader& ref);

// spec.tls.
void read_gateway_tls(FieldReader& spec, Gateway& gateway);

}  // namespace sluice::model
