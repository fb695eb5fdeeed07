// Spec: gateway-api v1.7.0 standard CRD httproutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include "controller/model/decode/http_route_parts.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::size_t kMaxMatches = 128;  // of a route
constexpr Range kWeightRange = {0, 1'000'000};
constexpr std::string_view kOnePrefix =
    "found replacePrefixMatch in {} {}; it needs exactly one match in the rule, a PathPrefix";

// Prefix replacement needs to know which prefix: exactly one match, and it is a PathPrefix.
bool has_one_prefix_match(const HttpRouteRule& rule) {
  return rule.matches.size() == 1 && rule.matches[0].path.type == PathMatchType::kPathPrefix;
}

void check_rule(FieldReader& reader, const HttpRouteRule& rule, const FilterSummary& filters,
                const std::vector<FilterSummary>& backend_filters) {
  if (filters.redirects > 0 && !rule.backend_refs.empty()) {
    reader.refuse("found a RequestRedirect filter and backendRefs; valid is one of them");
  }
  if (has_one_prefix_match(rule)) return;
  if (filters.prefix_redirects == 1) {
    reader.refuse(fmt::format(kOnePrefix, "a", "RequestRedirect filter"));
  }
  if (filters.prefix_rewrites == 1) {
    reader.refuse(fmt::format(kOnePrefix, "a", "URLRewrite filter"));
  }
  for (const FilterSummary& summary : backend_filters) {
    if (summary.prefix_redirects == 1) {
      reader.refuse(fmt::format(kOnePrefix, "a backendRef's", "RequestRedirect filter"));
    }
    if (summary.prefix_rewrites == 1) {
      reader.refuse(fmt::format(kOnePrefix, "a backendRef's", "URLRewrite filter"));
    }
  }
}

HttpRouteRule read_rule(FieldReader& reader, std::vector<std::string>& unsupported) {
  HttpRouteRule rule;
  rule.name = reader.text("name", kDnsSubdomain);
  reader.list("matches", Need::kDefaulted, {.max = 64},
              [&](FieldReader& match) { rule.matches.push_back(read_http_match(match)); });
  if (rule.matches.empty()) rule.matches.emplace_back();
  const FilterSummary filters = check_http_filters(reader, unsupported);
  std::vector<FilterSummary> backend_filters;
  reader.list("backendRefs", Need::kOptional, {.max = 16}, [&](FieldReader& ref) {
    BackendRef backend = read_backend_object_ref(ref);
    const auto weight = ref.integer("weight", Need::kDefaulted, kWeightRange);
    backend.weight = static_cast<std::uint32_t>(weight.value_or(1));
    rule.backend_refs.push_back(std::move(backend));
    backend_filters.push_back(check_http_filters(ref, unsupported));
  });
  check_http_timing(reader, unsupported);
  check_rule(reader, rule, filters, backend_filters);
  return rule;
}

void check_rules(FieldReader& spec, const std::vector<HttpRouteRule>& rules) {
  std::size_t matches = 0;
  std::map<std::string_view, std::size_t> names;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    matches += rules[i].matches.size();
    if (!rules[i].name) continue;
    const auto [first, is_new] = names.emplace(*rules[i].name, i);
    if (is_new) continue;
    spec.refuse("rules", fmt::format("rules[{}] and rules[{}] are both named {}; rule names must "
                                     "be unique",
                                     first->second, i, quote(*rules[i].name)));
  }
  if (matches > kMaxMatches) {
    spec.refuse("rules", fmt::format("found {} matches in all rules together; valid are at most {}",
                                     matches, kMaxMatches));
  }
}

}  // namespace

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

HttpRoute decode_http_route(FieldReader& root, Meta meta) {
  HttpRoute route;
  route.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    route.parent_refs = read_parent_refs(spec);
    route.hostnames = spec.texts("hostnames", Need::kOptional, {.max = 16}, kHostname);
    spec.list("rules", Need::kDefaulted, {.min = 1, .max = 16}, [&](FieldReader& rule) {
      route.rules.push_back(read_rule(rule, route.unsupported_fields));
    });
    if (route.rules.empty()) {
      route.rules.emplace_back();
      route.rules.back().matches.emplace_back();
    }
    check_rules(spec, route.rules);
  });
  return route;
}

}  // namespace sluice::model
