// The data of Secrets, and binaryData of ConfigMaps.   Spec: RFC 4648 4, line breaks allowed
// Process: controller.   Pure.   Tested by: test/unit/controller/model/decode/base64_test.cc
#pragma once

#include <string>
#include <string_view>

namespace sluice::model {

// REQUIRES: is_base64(text). A character that is none is skipped.
std::string decode_base64(std::string_view text);

}  // namespace sluice::model
