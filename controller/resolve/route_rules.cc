#include "controller/resolve/route_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "shared/match/regex.h"

namespace sluice::resolve {

namespace {

std::optional<Refusal> refuse_pattern(const std::string& pattern, const std::string& field) {
  const auto checked = match::check_pattern(pattern);
  if (checked) return std::nullopt;
  return Refusal{"UnsupportedValue", fmt::format("{}: {}", field, checked.error().message)};
}

std::optional<Refusal> refuse_patterns(const std::vector<model::NameMatch>& matches,
                                       const std::string& field) {
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (!matches[i].regex) continue;
    auto refusal = refuse_pattern(matches[i].value, fmt::format("{}[{}].value", field, i));
    if (refusal) return refusal;
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_match(const model::HttpRouteMatch& match, const std::string& field) {
  if (match.path.type == model::PathMatchType::kRegularExpression) {
    auto refusal = refuse_pattern(match.path.value, field + ".path.value");
    if (refusal) return refusal;
  }
  auto refusal = refuse_patterns(match.headers, field + ".headers");
  return refusal ? refusal : refuse_patterns(match.query_params, field + ".queryParams");
}

// The reference for people, valid or not.
std::string label_of(const model::BackendRef& ref, const std::string& route_ns) {
  const std::string name = ref.ns.value_or(route_ns) + "/" + ref.name;
  return ref.port ? fmt::format("{}:{}", name, *ref.port) : name;
}

}  // namespace

std::optional<Refusal> refuse_route(const model::HttpRoute& route) {
  if (!route.unsupported_fields.empty()) {
    return Refusal{"UnsupportedValue", fmt::format("{} is not served by this version of Sluice",
                                                   fmt::join(route.unsupported_fields, ", "))};
  }
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const auto& matches = route.rules[i].matches;
    for (std::size_t j = 0; j < matches.size(); ++j) {
      auto refusal = refuse_match(matches[j], fmt::format("spec.rules[{}].matches[{}]", i, j));
      if (refusal) return refusal;
    }
  }
  return std::nullopt;
}

std::vector<ResolvedRule> resolved_rules(const model::HttpRoute& route,
                                         const RuleBackends& backends) {
  std::vector<ResolvedRule> rules;
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const model::HttpRouteRule& rule = route.rules[i];
    ResolvedRule& resolved = rules.emplace_back();
    resolved.name = rule.name.value_or("");
    resolved.matches = rule.matches;
    for (std::size_t j = 0; j < rule.backend_refs.size(); ++j) {
      const model::BackendRef& ref = rule.backend_refs[j];
      const auto& backend = backends[i][j];
      resolved.backends.push_back(
          {ref.weight, backend ? backend->id() : "", label_of(ref, route.meta.name.ns)});
    }
  }
  return rules;
}

bool same_rules(const model::HttpRoute& a, const model::HttpRoute& b) {
  return a.rules == b.rules && a.meta.created == b.meta.created;
}

}  // namespace sluice::resolve
