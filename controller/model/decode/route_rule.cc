// What the specs of routes and their rules have in common.
// Spec: gateway-api v1.7.0 standard CRDs of the route kinds
#include <fmt/format.h>

#include <array>
#include <map>

#include "controller/model/decode/route_parts.h"

namespace sluice::model {

namespace {

constexpr std::size_t kMaxMatches = 128;  // of a route
constexpr Range kWeightRange = {0, 1'000'000};
constexpr ListRule kMatchItems = {.max = 16};
constexpr std::array<std::string_view, 2> kValueTypes = {"Exact", "RegularExpression"};
constexpr TextRule kValueType = {.choices = kValueTypes};

}  // namespace

void read_route_head(FieldReader& spec, Route& route) {
  route.parent_refs = read_parent_refs(spec);
  route.hostnames = spec.texts("hostnames", Need::kOptional, {.max = 16}, kHostname);
}

BackendRef read_backend_object_ref(FieldReader& ref) {
  BackendRef backend;
  backend.group = ref.text_or("group", "", kGroup);
  backend.kind = ref.text_or("kind", "Service", kKindName);
  backend.name = ref.required_text("name", kReferenceName);
  backend.ns = ref.text("namespace", kDnsLabel);
  backend.port = ref.port("port", Need::kOptional);
  if (backend.group.empty() && backend.kind == "Service" && ref.is_object() && !ref.has("port")) {
    ref.refuse("port is missing; a reference to a Service must have it");
  }
  return backend;
}

BackendRef read_weighted_backend_ref(FieldReader& ref) {
  BackendRef backend = read_backend_object_ref(ref);
  const auto weight = ref.integer("weight", Need::kDefaulted, kWeightRange);
  backend.weight = static_cast<std::uint32_t>(weight.value_or(1));
  return backend;
}

std::vector<NameMatch> read_name_matches(FieldReader& match, std::string_view key,
                                         const TextRule& value_rule) {
  std::vector<NameMatch> matches;
  std::vector<std::string> names;
  match.list(key, Need::kOptional, kMatchItems, [&](FieldReader& item) {
    NameMatch name_match;
    name_match.regex = item.text_or("type", "Exact", kValueType) == "RegularExpression";
    name_match.name = item.required_text("name", kHeaderName);
    name_match.value = item.required_text("value", value_rule);
    names.push_back(name_match.name);
    matches.push_back(std::move(name_match));
  });
  match.refuse_repeated(key, names);
  return matches;
}

void read_rule_head(FieldReader& reader, const FilterRules& filters, RouteRule& rule,
                    Unserved& unserved) {
  rule.name = reader.text("name", kDnsSubdomain);
  rule.filters = read_filters(reader, filters, unserved);
  reader.list("backendRefs", Need::kOptional, {.max = 16}, [&](FieldReader& ref) {
    HttpBackendRef backend;
    backend.ref = read_weighted_backend_ref(ref);
    backend.filters = read_filters(ref, filters, unserved);
    rule.backend_refs.push_back(std::move(backend));
  });
}

void check_rules_together(FieldReader& spec, std::span<const RuleSummary> rules) {
  std::size_t matches = 0;
  std::map<std::string_view, std::size_t> names;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    matches += rules[i].matches;
    const auto& name = rules[i].name;
    if (!name) continue;
    const auto [first, is_new] = names.emplace(*name, i);
    if (is_new) continue;
    spec.refuse("rules", fmt::format("rules[{}] and rules[{}] are both named {}; rule names must "
                                     "be unique",
                                     first->second, i, quote(*name)));
  }
  if (matches > kMaxMatches) {
    spec.refuse("rules", fmt::format("found {} matches in all rules together; valid are at most {}",
                                     matches, kMaxMatches));
  }
}

}  // namespace sluice::model
