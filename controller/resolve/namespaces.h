// Which namespaces a Gateway or a listener lets in.
//
// Process: controller.   Pure.   Spec: gateway-api v1 RouteNamespaces, ListenerNamespaces
// Tested by: test/golden
#pragma once

#include <string>

#include "controller/model/gateway.h"
#include "controller/model/store.h"

namespace sluice::resolve {

// Of a namespace; one that nobody wrote down still has its name.
model::Labels labels_of(const std::string& ns, const model::Store& store);

// Whether who is in namespace `own` lets in what is in namespace `other`, which has `labels`.
bool lets_in(model::FromNamespaces from, const model::LabelSelector& selector,
             const std::string& own, const std::string& other, const model::Labels& labels);

}  // namespace sluice::resolve
