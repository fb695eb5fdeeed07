// Reads one JSON value of an object, field by field, and collects what is wrong with it.
//
//   reader.object("spec", Need::kRequired, [&](FieldReader& spec) {
//     service.type = spec.text_or("type", "ClusterIP", kServiceType);
//     spec.list("ports", Need::kOptional, {.max = 16}, [&](FieldReader& port) { ... });
//   });
//
// A reader knows its place ("spec.ports[1]") by its parents and writes it out only for a problem.
// Every field that was asked for is known; when a reader goes away it warns about the others, so a
// function that reads an object must ask for all of its fields (or ignore() them).
//
// Process: controller, sluicectl.   Thread: one.   The only code that looks inside nlohmann's
// values; uses nothing of them that throws.
// Lifetime: a reader borrows the JSON value, its parent reader and the Report.
// Tested by: test/unit/controller/model/decode/field_reader_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/decode/text_rule.h"
#include "controller/model/object.h"

namespace sluice::model {

// Where the problems of one object go.
struct Report {
  Position position;
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
};

// kDefaulted: like kOptional, but null is the same as absent, as for fields with a CRD default.
enum class Need : std::uint8_t { kOptional, kRequired, kDefaulted };

struct ListRule {
  std::size_t min = 0;
  std::size_t max = SIZE_MAX;
};

struct Range {
  std::int64_t min = 0;
  std::int64_t max = INT32_MAX;
};

inline constexpr Range kPortRange = {1, 65535};

struct MapRule {
  std::size_t max = SIZE_MAX;
  TextRule key = kAnyText;
  TextRule value = kAnyText;
};

// A place in the object: the field `key` of `parent`, or item `index` of the list that it holds.
struct Place {
  static constexpr std::size_t kNoIndex = SIZE_MAX;

  const Place* parent = nullptr;  // null: the object itself
  std::string_view key = {};
  std::size_t index = kNoIndex;

  std::string path() const;  // "spec.ports[1].name"
};

class FieldReader {
 public:
  FieldReader(const nlohmann::json& value, Report& report);
  ~FieldReader();
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;

  // For kinds that are no CRDs, and metadata: null is the same as absent everywhere below.
  void treat_null_as_absent() { null_is_absent_ = true; }

  bool is_object() const;
  bool has(std::string_view key) const;  // present and not null; does not ask for it
  bool is_text(std::string_view key) const;
  bool lacks_text(std::string_view key) const;  // of an object: absent, null or ""

  std::string path() const { return place_.path(); }

  // Every reading function reports what is missing or wrong and then returns the fallback.
  std::optional<std::string> text(std::string_view key, const TextRule& rule);
  std::string text_or(std::string_view key, std::string_view fallback, const TextRule& rule);
  std::string required_text(std::string_view key, const TextRule& rule);
  std::optional<std::int64_t> integer(std::string_view key, Need need, Range range);
  std::optional<std::uint16_t> port(std::string_view key, Need need);
  std::optional<bool> boolean(std::string_view key);
  // One item per item of the list; "" for one that is wrong.
  std::vector<std::string> texts(std::string_view key, Need need, ListRule rule,
                                 const TextRule& item);
  std::vector<std::int64_t> integers(std::string_view key, ListRule rule, Range range);
  Labels text_map(std::string_view key, const MapRule& rule);

  // Calls read(FieldReader&) when the field is an object; returns whether it was.
  template <class Read>
  bool object(std::string_view key, Need need, Read read) {
    const nlohmann::json* value = field(key, need);
    if (value == nullptr) return false;
    FieldReader child(*this, {&place_, key}, *value);
    if (!child.expect_object()) return false;
    read(child);
    return true;
  }

  // Calls read(FieldReader&) once per item, also for an item that is wrong (no object), so that
  // what is pushed back has the list's indexes.
  template <class Read>
  void list(std::string_view key, Need need, ListRule rule, Read read) {
    const nlohmann::json* items = list_field(key, need, rule);
    if (items == nullptr) return;
    const std::size_t count = count_items(*items);
    for (std::size_t i = 0; i < count; ++i) {
      FieldReader item(*this, {&place_, key, i}, item_at(*items, i));
      item.expect_object();
      read(item);
    }
  }

  // Fields that are valid and mean nothing here.
  void ignore(std::initializer_list<std::string_view> keys);

  // The whole value is of no interest: no field of it is unknown.
  void ignore_unknown() { unknown_matters_ = false; }

  // An unknown field refuses the object, here and in the fields below.
  void refuse_unknown() { unknown_is_refused_ = true; }

  void refuse(std::string message) const;
  void refuse(std::string_view key, std::string message) const;
  void refuse(std::string_view key, std::size_t index, std::string message) const;
  void warn(std::string_view key, std::string message) const;

  // Refuses every item that is in the list already; "" counts as nothing.
  void refuse_repeated(std::string_view key, const std::vector<std::string>& items) const;

 private:
  FieldReader(const FieldReader& parent, const Place& place, const nlohmann::json& value);

  static std::size_t count_items(const nlohmann::json& list);
  static const nlohmann::json& item_at(const nlohmann::json& list, std::size_t index);

  const nlohmann::json* find(std::string_view key) const;
  // The value, or null after reporting a missing one. Asks for the field.
  const nlohmann::json* field(std::string_view key, Need need);
  const nlohmann::json* list_field(std::string_view key, Need need, ListRule rule);
  bool expect_object() const;
  std::optional<std::string> checked_text(const Place& place, const nlohmann::json& value,
                                          const TextRule& rule) const;
  std::optional<std::int64_t> checked_integer(const Place& place, const nlohmann::json& value,
                                              Range range) const;
  void refuse_at(const Place& place, std::string message) const;
  std::string unknown_field_message(std::string_view key) const;

  const nlohmann::json& value_;
  Report& report_;
  Place place_;
  bool null_is_absent_ = false;
  bool unknown_matters_ = true;
  bool unknown_is_refused_ = false;
  std::vector<std::string_view> asked_;
};

}  // namespace sluice::model
