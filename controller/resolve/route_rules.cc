#include "controller/resolve/route_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "controller/resolve/grpc_match.h"
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

std::optional<Refusal> refuse_match(const model::HttpRouteMatch& match, const std::string& field,
                                    std::string_view path_field) {
  if (match.path.type == model::PathMatchType::kRegularExpression) {
    auto refusal = refuse_pattern(match.path.value, fmt::format("{}.{}", field, path_field));
    if (refusal) return refusal;
  }
  auto refusal = refuse_patterns(match.headers, field + ".headers");
  return refusal ? refusal : refuse_patterns(match.query_params, field + ".queryParams");
}

std::optional<Refusal> refuse_rules(const std::vector<model::HttpRouteRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& matches = rules[i].matches;
    for (std::size_t j = 0; j < matches.size(); ++j) {
      auto refusal =
          refuse_match(matches[j], fmt::format("spec.rules[{}].matches[{}]", i, j), "path.value");
      if (refusal) return refusal;
    }
  }
  return std::nullopt;
}

// Each part by itself first: two halves of a pattern may well be a pattern together.
std::optional<Refusal> refuse_grpc_match(const model::GrpcRouteMatch& match,
                                         const std::string& field) {
  if (match.method.regex) {
    auto refusal = refuse_pattern(match.method.service, field + ".method.service");
    if (!refusal) refusal = refuse_pattern(match.method.method, field + ".method.method");
    if (refusal) return refusal;
  }
  return refuse_match(to_http_match(match), field, "method");
}

std::optional<Refusal> refuse_rules(const std::vector<model::GrpcRouteRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& matches = rules[i].matches;
    for (std::size_t j = 0; j < matches.size(); ++j) {
      auto refusal = refuse_grpc_match(matches[j], fmt::format("spec.rules[{}].matches[{}]", i, j));
      if (refusal) return refusal;
    }
  }
  return std::nullopt;
}

// The reference for people, valid or not.
std::string label_of(const model::BackendRef& ref, const std::string& route_ns) {
  const std::string name = ref.ns.value_or(route_ns) + "/" + ref.name;
  return ref.port ? fmt::format("{}:{}", name, *ref.port) : name;
}

struct ResolveFilter {
  const BackendTarget*& mirror;  // of the next RequestMirror
  const std::string& route_ns;

  std::optional<ResolvedFilter> operator()(const model::RequestMirror& written) const {
    const BackendTarget& target = *mirror++;
    if (!target.key) return std::nullopt;
    return ResolvedMirror{target.key->id(), label_of(written.backend, route_ns), target.protocol,
                          written.numerator, written.denominator};
  }

  // refuse_route() lets no route with one be served.
  std::optional<ResolvedFilter> operator()(const model::ExtensionRef& /*written*/) const {
    return std::nullopt;
  }

  template <class Filter>
  std::optional<ResolvedFilter> operator()(const Filter& written) const {
    return written;
  }
};

std::vector<ResolvedFilter> resolved_filters(const std::vector<model::HttpFilter>& filters,
                                             const std::vector<BackendTarget>& mirrors,
                                             const std::string& route_ns) {
  std::vector<ResolvedFilter> resolved;
  const BackendTarget* mirror = mirrors.data();
  for (const model::HttpFilter& filter : filters) {
    auto value = std::visit(ResolveFilter{mirror, route_ns}, filter);
    if (value) resolved.push_back(std::move(*value));
  }
  return resolved;
}

// `suffix`: tells a port for datagrams from one for connections.
ResolvedBackendRef resolved_backend(const model::HttpBackendRef& backend,
                                    const BackendRefTargets& targets, const std::string& route_ns,
                                    std::string_view suffix) {
  const BackendTarget& target = targets.target;
  return {.weight = backend.ref.weight,
          .backend = target.key ? target.key->id() : "",
          .name = label_of(backend.ref, route_ns).append(suffix),
          .protocol = target.protocol,
          .filters = resolved_filters(backend.filters, targets.mirrors, route_ns)};
}

}  // namespace

std::optional<Refusal> refuse_route(const model::Object& route) {
  const std::vector<std::string>& unserved = view_route(route).route->unserved;
  if (!unserved.empty()) return Refusal{"UnsupportedValue", join_problems(unserved)};
  if (is_stream_route(model::kind_of(route))) return std::nullopt;
  if (const auto* grpc = std::get_if<model::GrpcRoute>(&route)) return refuse_rules(grpc->rules);
  return refuse_rules(std::get<model::HttpRoute>(route).rules);
}

std::vector<ResolvedRule> resolved_rules(const model::Object& object,
                                         const std::vector<RuleTargets>& backends) {
  const RouteView view = view_route(object);
  const std::string& ns = view.route->meta.name.ns;
  const std::string_view suffix = view.kind == model::Kind::kUdpRoute ? "/udp" : "";
  auto matches = matches_of(object);
  std::vector<ResolvedRule> rules;
  for (std::size_t i = 0; i < view.rules.size(); ++i) {
    const model::RouteRule& rule = *view.rules[i];
    ResolvedRule& resolved = rules.emplace_back();
    resolved.name = rule.name.value_or("");
    resolved.matches = std::move(matches[i]);
    resolved.filters = resolved_filters(rule.filters, backends[i].mirrors, ns);
    resolved.timeouts = rule.timeouts;
    resolved.retry = rule.retry;
    for (std::size_t j = 0; j < rule.backend_refs.size(); ++j) {
      resolved.backends.push_back(
          resolved_backend(rule.backend_refs[j], backends[i].backends[j], ns, suffix));
    }
  }
  return rules;
}

}  // namespace sluice::resolve
