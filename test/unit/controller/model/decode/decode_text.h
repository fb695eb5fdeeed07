// Decoding of JSON text in tests, its problems as short lists, and tables of refusals.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/decode/decode.h"

namespace sluice::model {

inline Decoded decode_json(const nlohmann::json& json) {
  return decode_object(json, {"web.yaml", 12});
}

inline Decoded decode_text(std::string_view json_text) {
  return decode_json(nlohmann::json::parse(json_text));
}

inline std::vector<std::string> fields(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  out.reserve(problems.size());
  for (const Problem& problem : problems)
    out.push_back(problem.field);
  return out;
}

inline std::vector<std::string> refused_fields(const Decoded& decoded) {
  return fields(decoded.errors);
}

inline std::vector<std::string> warned_fields(const Decoded& decoded) {
  return fields(decoded.warnings);
}

// All problems, one per line, for failure messages.
inline std::string describe(const Decoded& decoded) {
  std::string out = decoded.key.text() + "\n";
  for (const Problem& problem : decoded.errors) {
    out += "error " + problem.field + ": " + problem.message + "\n";
  }
  for (const Problem& problem : decoded.warnings) {
    out += "warning " + problem.field + ": " + problem.message + "\n";
  }
  return out;
}

template <class T>
T decode_as(const nlohmann::json& json) {
  const Decoded decoded = decode_json(json);
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
  if (decoded.object == nullptr) return T{};
  const T* object = std::get_if<T>(decoded.object.get());
  EXPECT_NE(object, nullptr) << describe(decoded);
  return object == nullptr ? T{} : *object;
}

// A list of `count` copies of `item`, "#" in them replaced by their index.
inline std::string repeat(int count, std::string_view item) {
  std::string out = "[";
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    for (const char c : item)
      c == '#' ? out += std::to_string(i) : out += c;
  }
  return out + "]";
}

inline std::string quoted(std::size_t length, char c = 'a') {
  return '"' + std::string(length, c) + '"';
}

// The JSON text `object` with `value` (JSON text; "": removed) at the JSON pointer.
inline nlohmann::json with(std::string_view object, const std::string& pointer,
                           const std::string& value) {
  auto json = nlohmann::json::parse(object);
  const nlohmann::json::json_pointer place(pointer);
  if (value.empty()) {
    json.at(place.parent_pointer()).erase(place.back());
  } else {
    json[place] = nlohmann::json::parse(value);
  }
  return json;
}

// One change to a valid object and what it must be refused with.
struct Refusal {
  std::string name;
  std::string pointer;
  std::string value;
  std::string field;
  std::string message;  // part of it
};

inline std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.pointer << " = " << refusal.value.substr(0, 200);
}

inline std::string name_of(const testing::TestParamInfo<Refusal>& info) {
  return info.param.name;
}

inline void expect_refused(std::string_view valid_object, const Refusal& refusal) {
  ASSERT_NE(decode_text(valid_object).object, nullptr) << describe(decode_text(valid_object));
  const Decoded decoded = decode_json(with(valid_object, refusal.pointer, refusal.value));
  EXPECT_EQ(decoded.object, nullptr);
  ASSERT_EQ(decoded.errors.size(), 1U) << describe(decoded);
  EXPECT_EQ(decoded.errors[0].field, refusal.field);
  EXPECT_THAT(decoded.errors[0].message, testing::HasSubstr(refusal.message));
}

// A change after which the object is still accepted.
struct Acceptance {
  std::string name;
  std::string pointer;
  std::string value;
};

inline std::ostream& operator<<(std::ostream& out, const Acceptance& acceptance) {
  return out << acceptance.pointer << " = " << acceptance.value.substr(0, 200);
}

inline std::string accepted_name_of(const testing::TestParamInfo<Acceptance>& info) {
  return info.param.name;
}

inline void expect_accepted(std::string_view valid_object, const Acceptance& acceptance) {
  const Decoded decoded = decode_json(with(valid_object, acceptance.pointer, acceptance.value));
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
}

}  // namespace sluice::model
