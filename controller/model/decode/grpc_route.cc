// Spec: gateway-api v1.7.0 standard CRD grpcroutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "controller/model/decode/kinds.h"
#include "controller/model/decode/route_parts.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 4> kFilterTypes = {
    "ResponseHeaderModifier", "RequestHeaderModifier", "RequestMirror", "ExtensionRef"};
constexpr std::array<std::string_view, 2> kUnrepeatable = {"RequestHeaderModifier",
                                                           "ResponseHeaderModifier"};
constexpr std::array<FilterPayload, 4> kPayloads = {{
    {"RequestHeaderModifier", "requestHeaderModifier", read_request_header_modifier},
    {"ResponseHeaderModifier", "responseHeaderModifier", read_response_header_modifier},
    {"RequestMirror", "requestMirror", read_request_mirror},
    {"ExtensionRef", "extensionRef", read_extension_ref},
}};
constexpr FilterRules kFilterRules = {kFilterTypes, kPayloads, kUnrepeatable, {}};

constexpr std::array<std::string_view, 2> kMethodTypes = {"Exact", "RegularExpression"};
constexpr TextRule kMethodType = {.choices = kMethodTypes};
constexpr TextRule kMethodPart = {.max = 1024};

// [A-Za-z_][A-Za-z_0-9]*
bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// Identifiers joined by dots; one dot may lead.
bool is_service_name(std::string_view text) {
  if (text.starts_with('.')) text.remove_prefix(1);
  std::size_t dot = 0;
  while ((dot = text.find('.')) != std::string_view::npos) {
    if (!is_identifier(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_identifier(text);
}

void check_exact_names(FieldReader& reader, const GrpcMethodMatch& match) {
  if (reader.has("service") && !is_service_name(match.service)) {
    reader.refuse("service",
                  fmt::format("found {}; valid are letters, digits and \"_\", in parts joined by "
                              "\".\", such as \"foo.Bar\"",
                              quote(match.service)));
  }
  if (reader.has("method") && !is_identifier(match.method)) {
    reader.refuse("method", fmt::format("found {}; valid are letters, digits and \"_\", such as "
                                        "\"GetThing\"",
                                        quote(match.method)));
  }
}

GrpcMethodMatch read_method(FieldReader& reader) {
  GrpcMethodMatch match;
  match.regex = reader.text_or("type", "Exact", kMethodType) == "RegularExpression";
  match.service = reader.text("service", kMethodPart).value_or("");
  match.method = reader.text("method", kMethodPart).value_or("");
  if (!reader.has("service") && !reader.has("method")) {
    reader.refuse("found neither service nor method; valid is one of them or both");
  } else if (!match.regex) {
    check_exact_names(reader, match);
  }
  return match;
}

GrpcRouteMatch read_match(FieldReader& reader) {
  GrpcRouteMatch match;
  reader.object("method", Need::kOptional,
                [&](FieldReader& method) { match.method = read_method(method); });
  match.headers = read_name_matches(reader, "headers", kHeaderValue);
  return match;
}

GrpcRouteRule read_rule(FieldReader& reader, Unserved& unserved) {
  GrpcRouteRule rule;
  reader.list("matches", Need::kOptional, {.max = 64},
              [&](FieldReader& match) { rule.matches.push_back(read_match(match)); });
  if (rule.matches.empty()) rule.matches.emplace_back();
  read_rule_head(reader, kFilterRules, rule, unserved);
  return rule;
}

}  // namespace

GrpcRoute decode_grpc_route(FieldReader& root, Meta meta) {
  GrpcRoute route;
  route.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    read_route_head(spec, route);
    spec.list("rules", Need::kOptional, {.max = 16},
              [&](FieldReader& rule) { route.rules.push_back(read_rule(rule, route.unserved)); });
    std::vector<RuleSummary> summaries;
    summaries.reserve(route.rules.size());
    for (const GrpcRouteRule& rule : route.rules) {
      summaries.push_back({rule.name, rule.matches.size()});
    }
    check_rules_together(spec, summaries);
  });
  return route;
}

}  // namespace sluice::model
