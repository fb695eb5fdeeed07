// Names of what is made for an object whose own name may be longer than theirs can be.
//
// Process: controller.   Pure.   Tested by: test/unit/controller/model/derived_name_test.cc
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::model {

// A DNS label that begins with a letter: what can be kept of the name, and the first 8 digits of
// the UID, which no two objects share.
std::string derived_name(std::string_view name, std::string_view uid);

// Of the Service that gives the Gateway its cluster IP number `index`.
std::string cluster_service_name(std::string_view gateway, std::string_view uid, std::size_t index);

// The value of a label: the name itself or, when it has more than 63 characters, its beginning and
// 8 digits of its hash.
std::string label_of_name(std::string_view name);

}  // namespace sluice::model
