// Reading JSON that an API server sent, without trust in its types; keeping it as text.
//
// Process: controller.   Pure.
// Tested by: test/unit/controller/source/kube/lease_test.cc, kube_test.cc
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sluice::source {

// Null for "" and for what is no JSON.
inline nlohmann::json parse_text(std::string_view text) {
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

// To be kept, of thousands of objects: without the room that dump() leaves at the end.
inline std::string kept_text(const nlohmann::json& value) {
  std::string text = value.dump();
  text.shrink_to_fit();
  return text;
}

// Null where the path ("/metadata/uid") leads nowhere.
inline nlohmann::json value_at(const nlohmann::json& object, const char* path) {
  const nlohmann::json::json_pointer pointer(path);
  return object.is_structured() && object.contains(pointer) ? object[pointer] : nlohmann::json();
}

// "": it is no string.
inline std::string text_at(const nlohmann::json& object, const char* path) {
  const nlohmann::json found = value_at(object, path);
  return found.is_string() ? found.get<std::string>() : "";
}

// 0: it is no whole number.
inline std::int64_t number_at(const nlohmann::json& object, const char* path) {
  const nlohmann::json found = value_at(object, path);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

}  // namespace sluice::source
