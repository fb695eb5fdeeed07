#include "test/golden/status_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace sluice::golden {

namespace {

using nlohmann::json;

// Short maps read best in one line. lastTransitionTime is left out: all cases run at one instant.
std::string condition_text(const json& condition) {
  constexpr std::array<std::string_view, 5> kMembers = {"type", "status", "reason",
                                                        "observedGeneration", "message"};
  std::string text = "{";
  for (const std::string_view member : kMembers) {
    if (member != kMembers.front()) text += ", ";
    text += std::string(member) + ": " + condition.at(std::string(member)).dump();
  }
  return text + "}";
}

bool is_plain_map(const json& value) {
  if (!value.is_object()) return false;
  for (const json& member : value) {
    if (member.is_structured()) return false;
  }
  return true;
}

// Members in the order in which people look for them: what it is first, the long lists last.
std::vector<std::string> members_in_order(const json& value) {
  std::vector<std::string> names;
  for (const std::string_view first :
       {"name", "parentRef", "ancestorRef", "controllerName", "addresses"}) {
    if (value.contains(first)) names.emplace_back(first);
  }
  for (const auto& [name, member] : value.items()) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string line_text(const json& value) {
  if (!is_plain_map(value)) return value.dump();
  if (value.contains("observedGeneration")) return condition_text(value);
  std::string text = "{";
  for (const auto& [key, member] : value.items()) {
    if (text.size() > 1) text += ", ";
    text += key + ": " + member.dump();
  }
  return text + "}";
}

}  // namespace

std::string yaml_text(const json& value, int indent) {
  const std::string blanks(static_cast<std::size_t>(indent), ' ');
  std::string text;
  if (value.is_object()) {
    for (const std::string& key : members_in_order(value)) {
      const json& member = value.at(key);
      if (member.is_structured() && !member.empty() && !is_plain_map(member)) {
        text += blanks + key + ":\n" + yaml_text(member, indent + 2);
      } else {
        text += blanks + key + ": " + line_text(member) + "\n";
      }
    }
  } else if (value.is_array()) {
    for (const json& element : value) {
      if (element.is_structured() && !element.empty() && !is_plain_map(element)) {
        std::string block = yaml_text(element, indent + 2);
        block[static_cast<std::size_t>(indent)] = '-';
        text += block;
      } else {
        text += blanks + "- " + line_text(element) + "\n";
      }
    }
  }
  return text;
}

}  // namespace sluice::golden
