#include "controller/cli/yaml_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sluice::cli {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 11> kOtherMeaning = {
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ""};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
         c == '.' || c == '_' || c == '-';
}

// Words that start with a letter or '/' and cannot be read as anything else need no quotes.
bool is_plain(const std::string& text) {
  std::string lower = text;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (std::find(kOtherMeaning.begin(), kOtherMeaning.end(), lower) != kOtherMeaning.end()) {
    return false;
  }
  const char first = lower[0];
  if (first != '/' && (first < 'a' || first > 'z')) return false;
  return std::all_of(text.begin(), text.end(), is_word_character);
}

std::string scalar(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text != nullptr && is_plain(*text)) return *text;
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string key_text(const std::string& key) {
  return is_plain(key) ? key : json(key).dump();
}

bool is_block(const json& value) {
  return value.is_structured() && !value.empty();
}

// `first_indent` is false where the first line continues a "- ".
void emit(const json& value, std::size_t indent, bool first_indent, std::string& out) {
  const std::string margin(indent, ' ');
  bool indented = first_indent;
  const auto begin_line = [&] {
    if (indented) out += margin;
    indented = true;
  };
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      begin_line();
      out += key_text(key) + ":";
      if (!is_block(child)) {
        out += " " + scalar(child) + "\n";
        continue;
      }
      out += "\n";
      emit(child, child.is_array() ? indent : indent + 2, true, out);
    }
    return;
  }
  for (const json& child : value) {
    begin_line();
    out += "- ";
    if (is_block(child)) {
      emit(child, indent + 2, false, out);
    } else {
      out += scalar(child) + "\n";
    }
  }
}

}  // namespace

std::string to_yaml(const json& value) {
  if (!is_block(value)) return scalar(value) + "\n";
  std::string out;
  emit(value, 0, true, out);
  return out;
}

}  // namespace sluice::cli
