// Spec: gateway-api v1.7.0 standard CRD httproutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include <algorithm>

#include "controller/model/decode/http_route_parts.h"
#include "controller/model/decode/kinds.h"

namespace sluice::model {

namespace {

constexpr std::string_view kOnePrefix =
    "found replacePrefixMatch in {} {}; it needs exactly one match in the rule, a PathPrefix";

// Prefix replacement needs to know which prefix: exactly one match, and it is a PathPrefix.
bool has_one_prefix_match(const HttpRouteRule& rule) {
  return rule.matches.size() == 1 && rule.matches[0].path.type == PathMatchType::kPathPrefix;
}

bool replaces_prefix(const std::optional<PathModifier>& path) {
  return path && path->type == PathModifierType::kPrefixMatch;
}

void refuse_prefixes(FieldReader& reader, const std::vector<HttpFilter>& filters,
                     std::string_view owner) {
  for (const HttpFilter& filter : filters) {
    const auto* redirect = std::get_if<RequestRedirect>(&filter);
    if (redirect != nullptr && replaces_prefix(redirect->path)) {
      reader.refuse(fmt::format(kOnePrefix, owner, "RequestRedirect filter"));
    }
    const auto* rewrite = std::get_if<UrlRewrite>(&filter);
    if (rewrite != nullptr && replaces_prefix(rewrite->path)) {
      reader.refuse(fmt::format(kOnePrefix, owner, "URLRewrite filter"));
    }
  }
}

void check_rule(FieldReader& reader, const HttpRouteRule& rule) {
  const bool redirects = std::ranges::any_of(rule.filters, [](const HttpFilter& filter) {
    return std::holds_alternative<RequestRedirect>(filter);
  });
  if (redirects && !rule.backend_refs.empty()) {
    reader.refuse("found a RequestRedirect filter and backendRefs; valid is one of them");
  }
  if (has_one_prefix_match(rule)) return;
  refuse_prefixes(reader, rule.filters, "a");
  for (const HttpBackendRef& backend : rule.backend_refs) {
    refuse_prefixes(reader, backend.filters, "a backendRef's");
  }
}

HttpRouteRule read_rule(FieldReader& reader, Unserved& unserved) {
  HttpRouteRule rule;
  reader.list("matches", Need::kDefaulted, {.max = 64},
              [&](FieldReader& match) { rule.matches.push_back(read_http_match(match)); });
  if (rule.matches.empty()) rule.matches.emplace_back();
  read_rule_head(reader, http_filter_rules(), rule, unserved);
  read_http_timing(reader, rule);
  check_rule(reader, rule);
  return rule;
}

}  // namespace

HttpRoute decode_http_route(FieldReader& root, Meta meta) {
  HttpRoute route;
  route.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    read_route_head(spec, route);
    spec.list("rules", Need::kDefaulted, {.min = 1, .max = 16},
              [&](FieldReader& rule) { route.rules.push_back(read_rule(rule, route.unserved)); });
    if (route.rules.empty()) {
      route.rules.emplace_back();
      route.rules.back().matches.emplace_back();
    }
    std::vector<RuleSummary> summaries;
    summaries.reserve(route.rules.size());
    for (const HttpRouteRule& rule : route.rules) {
      summaries.push_back({rule.name, rule.matches.size()});
    }
    check_rules_together(spec, summaries);
  });
  return route;
}

}  // namespace sluice::model
