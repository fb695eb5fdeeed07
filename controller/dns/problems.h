// What is wrong with the hostnames of Backends, as problems of their objects.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/dns/problems_test.cc
#pragma once

#include <vector>

#include "controller/dns/name_book.h"
#include "controller/model/store.h"

namespace sluice::dns {

// One per Backend and name, at the first endpoint that has the name.
std::vector<model::Problem> problems(const NameBook& book, const model::Store& store);

}  // namespace sluice::dns
