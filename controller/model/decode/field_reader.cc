#include "controller/model/decode/field_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace sluice::model {

namespace {

using nlohmann::json;

constexpr double kExactDoubles = 9007199254740992.0;  // 2^53: all whole numbers up to it

// "the text "80"", "the number 5", "a list": what was found where something else was expected.
std::string describe(const json& value) {
  switch (value.type()) {
    case json::value_t::string:
      return "the text " + quote(*value.get_ptr<const std::string*>());
    case json::value_t::boolean:
    case json::value_t::null:
      return value.dump();
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return "the number " + value.dump();
    case json::value_t::array:
      return "a list";
    default:
      return "a mapping";
  }
}

std::string bounds(std::uint64_t min, std::uint64_t max) {
  if (max == SIZE_MAX) return fmt::format("at least {}", min);
  return min == max ? fmt::format("{}", min) : fmt::format("{} to {}", min, max);
}

std::string join_choices(std::span<const std::string_view> choices) {
  std::string out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " and " : ", ";
    out += fmt::format("\"{}\"", choices[i]);
  }
  return out;
}

// What is wrong with the text, or "".
std::string text_problem(std::string_view text, const TextRule& rule) {
  const std::string found = rule.confidential ? "a value (not shown)" : quote(text);
  if (!rule.choices.empty()) {
    if (std::ranges::find(rule.choices, text) != rule.choices.end()) return "";
    return fmt::format("found {}; valid are {}", found, join_choices(rule.choices));
  }
  const std::size_t characters = count_characters(text);
  if (characters < rule.min || characters > rule.max) {
    return fmt::format("found {} characters; valid are {}", characters, bounds(rule.min, rule.max));
  }
  if (rule.valid == nullptr || rule.valid(text)) return "";
  return fmt::format("found {}; valid is {}", found, rule.expected);
}

// A number without a fraction, however it is written (80, 80.0); none for anything else.
std::optional<std::int64_t> whole_number(const json& value) {
  if (const auto* number = value.get_ptr<const json::number_unsigned_t*>()) {
    if (*number <= static_cast<json::number_unsigned_t>(INT64_MAX)) {
      return static_cast<std::int64_t>(*number);
    }
    return std::nullopt;
  }
  if (const auto* number = value.get_ptr<const json::number_integer_t*>()) return *number;
  const auto* number = value.get_ptr<const json::number_float_t*>();
  if (number == nullptr || !(std::fabs(*number) <= kExactDoubles)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(*number);
  // An exact comparison is meant: 80.5 is no whole number, 80.0 is.
  if (static_cast<double>(whole) < *number || static_cast<double>(whole) > *number) {
    return std::nullopt;
  }
  return whole;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Whether one could be a slip of the other: letter case apart, one letter more, less or different,
// or two neighbours swapped.
bool looks_alike(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto same = [](char x, char y) { return lower(x) == lower(y); };
  std::size_t front = 0;
  while (front < a.size() && same(a[front], b[front]))
    ++front;
  const std::string_view rest_a = a.substr(front);
  const std::string_view rest_b = b.substr(front);
  const auto equal = [&](std::string_view x, std::string_view y) {
    return std::ranges::equal(x, y, same);
  };
  if (rest_b.empty()) return true;
  if (a.size() < b.size()) return equal(rest_a, rest_b.substr(1));
  if (equal(rest_a.substr(1), rest_b.substr(1))) return true;
  return rest_a.size() >= 2 && same(rest_a[0], rest_b[1]) && same(rest_a[1], rest_b[0]) &&
         equal(rest_a.substr(2), rest_b.substr(2));
}

}  // namespace

FieldReader::FieldReader(const json& value, Report& report) : value_(value), report_(report) {}

FieldReader::FieldReader(const FieldReader& parent, const Place& place, const json& value)
    : value_(value),
      report_(parent.report_),
      place_(place),
      null_is_absent_(parent.null_is_absent_),
      unknown_is_refused_(parent.unknown_is_refused_) {}

FieldReader::~FieldReader() {
  const auto* fields = value_.get_ptr<const json::object_t*>();
  if (fields == nullptr || !unknown_matters_) return;
  for (const auto& [key, value] : *fields) {
    if (std::ranges::find(asked_, key) != asked_.end()) continue;
    if (unknown_is_refused_) {
      refuse(readable(key), unknown_field_message(key));
    } else {
      warn(readable(key), unknown_field_message(key));
    }
  }
}

std::string FieldReader::unknown_field_message(std::string_view key) const {
  const auto similar =
      std::ranges::find_if(asked_, [&](std::string_view known) { return looks_alike(known, key); });
  const std::string_view what = unknown_is_refused_ ? "unknown field" : "unknown field, ignored";
  if (similar == asked_.end()) return std::string(what);
  return fmt::format("{}; did you mean \"{}\"?", what, *similar);
}

bool FieldReader::is_object() const {
  return value_.is_object();
}

const json* FieldReader::find(std::string_view key) const {
  const auto* fields = value_.get_ptr<const json::object_t*>();
  if (fields == nullptr) return nullptr;
  const auto found = fields->find(key);
  return found == fields->end() ? nullptr : &found->second;
}

bool FieldReader::has(std::string_view key) const {
  const json* value = find(key);
  return value != nullptr && !value->is_null();
}

bool FieldReader::is_text(std::string_view key) const {
  const json* value = find(key);
  return value != nullptr && value->is_string();
}

bool FieldReader::lacks_text(std::string_view key) const {
  if (!is_object()) return false;
  const json* value = find(key);
  if (value == nullptr || value->is_null()) return true;
  const auto* text = value->get_ptr<const std::string*>();
  return text != nullptr && text->empty();
}

const json* FieldReader::field(std::string_view key, Need need) {
  asked_.push_back(key);
  const json* value = find(key);
  const bool absent =
      value == nullptr || (value->is_null() && (null_is_absent_ || need == Need::kDefaulted));
  if (!absent) return value;
  if (need == Need::kRequired && is_object()) refuse(key, "missing, but required");
  return nullptr;
}

bool FieldReader::expect_object() const {
  if (is_object()) return true;
  refuse(fmt::format("found {}; valid is a mapping", describe(value_)));
  return false;
}

std::optional<std::string> FieldReader::checked_text(const Place& place, const json& value,
                                                     const TextRule& rule) const {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    refuse_at(place, fmt::format("found {}; valid is text", describe(value)));
    return std::nullopt;
  }
  std::string problem = text_problem(*text, rule);
  if (problem.empty()) return *text;
  refuse_at(place, std::move(problem));
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::checked_integer(const Place& place, const json& value,
                                                         Range range) const {
  const std::optional<std::int64_t> number = whole_number(value);
  if (number && *number >= range.min && *number <= range.max) return number;
  refuse_at(place,
            fmt::format("found {}; valid are {} to {}", describe(value), range.min, range.max));
  return std::nullopt;
}

std::optional<std::string> FieldReader::text(std::string_view key, const TextRule& rule) {
  const json* value = field(key, Need::kOptional);
  if (value == nullptr) return std::nullopt;
  return checked_text({&place_, key}, *value, rule);
}

std::string FieldReader::text_or(std::string_view key, std::string_view fallback,
                                 const TextRule& rule) {
  const json* value = field(key, Need::kDefaulted);
  if (value == nullptr) return std::string(fallback);
  return checked_text({&place_, key}, *value, rule).value_or(std::string(fallback));
}

std::string FieldReader::required_text(std::string_view key, const TextRule& rule) {
  const json* value = field(key, Need::kRequired);
  if (value == nullptr) return "";
  return checked_text({&place_, key}, *value, rule).value_or("");
}

std::optional<std::int64_t> FieldReader::integer(std::string_view key, Need need, Range range) {
  const json* value = field(key, need);
  if (value == nullptr) return std::nullopt;
  return checked_integer({&place_, key}, *value, range);
}

std::optional<std::uint16_t> FieldReader::port(std::string_view key, Need need) {
  const std::optional<std::int64_t> number = integer(key, need, kPortRange);
  if (!number) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::optional<bool> FieldReader::boolean(std::string_view key) {
  const json* value = field(key, Need::kOptional);
  if (value == nullptr) return std::nullopt;
  if (const auto* flag = value->get_ptr<const bool*>()) return *flag;
  refuse(key, fmt::format("found {}; valid are true and false", describe(*value)));
  return std::nullopt;
}

const json* FieldReader::list_field(std::string_view key, Need need, ListRule rule) {
  const json* value = field(key, need);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    refuse(key, fmt::format("found {}; valid is a list", describe(*value)));
    return nullptr;
  }
  if (value->size() < rule.min || value->size() > rule.max) {
    refuse(key,
           fmt::format("found {} items; valid are {}", value->size(), bounds(rule.min, rule.max)));
    return nullptr;
  }
  return value;
}

std::vector<std::string> FieldReader::texts(std::string_view key, Need need, ListRule rule,
                                            const TextRule& item) {
  std::vector<std::string> out;
  const json* items = list_field(key, need, rule);
  if (items == nullptr) return out;
  out.reserve(items->size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    out.push_back(checked_text({&place_, key, i}, item_at(*items, i), item).value_or(""));
  }
  return out;
}

std::vector<std::int64_t> FieldReader::integers(std::string_view key, ListRule rule, Range range) {
  std::vector<std::int64_t> out;
  const json* items = list_field(key, Need::kOptional, rule);
  if (items == nullptr) return out;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto number = checked_integer({&place_, key, i}, item_at(*items, i), range);
    if (number) out.push_back(*number);
  }
  return out;
}

Labels FieldReader::text_map(std::string_view key, const MapRule& rule) {
  Labels out;
  const json* value = field(key, Need::kOptional);
  if (value == nullptr) return out;
  const auto* items = value->get_ptr<const json::object_t*>();
  if (items == nullptr) {
    refuse(key, fmt::format("found {}; valid is a mapping",
                            rule.value.confidential ? value->type_name() : describe(*value)));
    return out;
  }
  if (items->size() > rule.max) {
    refuse(key, fmt::format("found {} items; valid are at most {}", items->size(), rule.max));
    return out;
  }
  for (const auto& [item_key, item] : *items) {
    const std::string item_name = fmt::format("{}[{}]", key, readable(item_key));
    const Place place{&place_, item_name};
    std::string problem = text_problem(item_key, rule.key);
    if (!problem.empty()) refuse(key, "key: " + problem);
    const auto* text = item.get_ptr<const std::string*>();
    if (text == nullptr) {
      refuse_at(place, fmt::format("found a {}; valid is text", item.type_name()));
      continue;
    }
    problem = text_problem(*text, rule.value);
    if (!problem.empty()) refuse_at(place, std::move(problem));
    out.emplace(item_key, *text);
  }
  return out;
}

std::size_t FieldReader::count_items(const json& list) {
  return list.size();
}

const json& FieldReader::item_at(const json& list, std::size_t index) {
  return list[index];
}

void FieldReader::ignore(std::initializer_list<std::string_view> keys) {
  asked_.insert(asked_.end(), keys.begin(), keys.end());
}

std::string Place::path() const {
  if (parent == nullptr) return "";
  std::string out = parent->path();
  if (!out.empty()) out += '.';
  out += key;
  if (index != kNoIndex) out += fmt::format("[{}]", index);
  return out;
}

void FieldReader::refuse_at(const Place& place, std::string message) const {
  report_.errors.push_back({report_.position, "", place.path(), std::move(message)});
}

void FieldReader::refuse(std::string message) const {
  refuse_at(place_, std::move(message));
}

void FieldReader::refuse(std::string_view key, std::string message) const {
  refuse_at({&place_, key}, std::move(message));
}

void FieldReader::refuse(std::string_view key, std::size_t index, std::string message) const {
  refuse_at({&place_, key, index}, std::move(message));
}

void FieldReader::warn(std::string_view key, std::string message) const {
  const Place place{&place_, key};
  report_.warnings.push_back({report_.position, "", place.path(), std::move(message)});
}

void FieldReader::refuse_repeated(std::string_view key,
                                  const std::vector<std::string>& items) const {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].empty()) continue;
    const auto [seen, is_new] = first.emplace(items[i], i);
    if (is_new) continue;
    refuse(key, i,
           fmt::format("found {} again, it is {}[{}] too; valid are different ones",
                       quote(items[i]), key, seen->second));
  }
}

}  // namespace sluice::model
