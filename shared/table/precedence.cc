#include "shared/table/precedence.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace sluice::table {
namespace {

std::ptrdiff_t count_headers(const Rule& rule) {
  return std::ranges::count_if(rule.conditions, is_header);
}

// Smaller is asked first.
auto key(const Rule& rule) {
  const std::ptrdiff_t headers = count_headers(rule);
  const std::ptrdiff_t queries = static_cast<std::ptrdiff_t>(rule.conditions.size()) - headers;
  const std::ptrdiff_t pattern_bytes =
      rule.path_kind == PathKind::kRegex ? static_cast<std::ptrdiff_t>(rule.path.size()) : 0;
  return std::tuple(-pattern_bytes, rule.methods == 0, -headers, -queries, rule.created,
                    std::string_view(rule.action->route), rule.action->route_kind,
                    rule.action->rule, rule.match);
}

}  // namespace

bool is_header(const RuleCondition& condition) {
  return condition.kind == ConditionKind::kHeaderExact ||
         condition.kind == ConditionKind::kHeaderRegex;
}

bool is_regex(const RuleCondition& condition) {
  return condition.kind == ConditionKind::kHeaderRegex ||
         condition.kind == ConditionKind::kQueryRegex;
}

bool precedes(const Rule& a, const Rule& b) {
  return key(a) < key(b);
}

}  // namespace sluice::table
