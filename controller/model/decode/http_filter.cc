// Filters of an HTTPRoute's rules and backendRefs: valid or not. None is served yet.
// Spec: gateway-api v1.7.0 standard CRD httproutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "controller/model/decode/http_route_parts.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 7> kFilterTypes = {"RequestHeaderModifier",
                                                          "ResponseHeaderModifier",
                                                          "RequestMirror",
                                                          "RequestRedirect",
                                                          "URLRewrite",
                                                          "ExtensionRef",
                                                          "CORS"};
constexpr TextRule kFilterType = {.choices = kFilterTypes};
constexpr std::array<std::string_view, 5> kUnrepeatable = {
    "CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"};

constexpr std::array<std::string_view, 2> kPathModifierTypes = {"ReplaceFullPath",
                                                                "ReplacePrefixMatch"};
constexpr TextRule kPathModifierType = {.choices = kPathModifierTypes};
constexpr TextRule kReplacement = {.max = 1024};
constexpr std::array<std::string_view, 2> kSchemes = {"http", "https"};
constexpr TextRule kScheme = {.choices = kSchemes};
constexpr std::array<std::int64_t, 5> kRedirectCodes = {301, 302, 303, 307, 308};

constexpr std::array<std::string_view, 10> kCorsMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"};
constexpr TextRule kCorsMethod = {.choices = kCorsMethods};
constexpr TextRule kCorsOrigin = {
    .min = 1,
    .max = 253,
    .valid = is_cors_origin,
    .expected = "an origin such as \"https://example.com\" or \"https://*.example.com\", or \"*\""};
constexpr ListRule kCorsItems = {.max = 64};

void check_header_modifier(FieldReader& modifier) {
  for (const std::string_view key : {"set", "add"}) {
    std::vector<std::string> names;
    modifier.list(key, Need::kOptional, {.max = 16}, [&](FieldReader& header) {
      names.push_back(header.required_text("name", kHeaderName));
      header.required_text("value", kHeaderValue);
    });
    modifier.refuse_repeated(key, names);
  }
  modifier.refuse_repeated("remove",
                           modifier.texts("remove", Need::kOptional, {.max = 16}, kAnyText));
}

void check_mirror(FieldReader& mirror) {
  mirror.object("backendRef", Need::kRequired,
                [](FieldReader& ref) { read_backend_object_ref(ref); });
  mirror.integer("percent", Need::kOptional, {0, 100});
  mirror.object("fraction", Need::kOptional, [](FieldReader& fraction) {
    const auto numerator = fraction.integer("numerator", Need::kRequired, {0, INT32_MAX});
    const auto denominator =
        fraction.integer("denominator", Need::kDefaulted, {1, INT32_MAX}).value_or(100);
    if (numerator && *numerator > denominator) {
      fraction.refuse(fmt::format("found {}/{}; numerator must not be greater than denominator",
                                  *numerator, denominator));
    }
  });
  if (mirror.has("percent") && mirror.has("fraction")) {
    mirror.refuse("found percent and fraction; valid is one of them");
  }
}

// Returns whether the prefix of the path is to be replaced.
bool check_path_modifier(FieldReader& owner) {
  std::string type;
  owner.object("path", Need::kOptional, [&](FieldReader& path) {
    type = path.required_text("type", kPathModifierType);
    path.text("replaceFullPath", kReplacement);
    path.text("replacePrefixMatch", kReplacement);
    if (type.empty()) return;
    const bool full = type == "ReplaceFullPath";
    const std::string_view wanted = full ? "replaceFullPath" : "replacePrefixMatch";
    const std::string_view other = full ? "replacePrefixMatch" : "replaceFullPath";
    if (!path.has(wanted)) {
      path.refuse(fmt::format("{} must be specified when type is \"{}\"", wanted, type));
    }
    if (path.has(other)) {
      path.refuse(fmt::format("{} must not be specified when type is \"{}\"", other, type));
    }
  });
  return type == "ReplacePrefixMatch";
}

bool check_redirect(FieldReader& redirect) {
  redirect.text("scheme", kScheme);
  redirect.text("hostname", kExactHostname);
  redirect.port("port", Need::kOptional);
  const auto code =
      redirect.integer("statusCode", Need::kDefaulted, {INT32_MIN, INT32_MAX}).value_or(302);
  if (std::ranges::find(kRedirectCodes, code) == kRedirectCodes.end()) {
    redirect.refuse("statusCode",
                    fmt::format("found {}; valid are 301, 302, 303, 307 and 308", code));
  }
  return check_path_modifier(redirect);
}

bool check_rewrite(FieldReader& rewrite) {
  rewrite.text("hostname", kExactHostname);
  return check_path_modifier(rewrite);
}

void check_star_alone(FieldReader& cors, std::string_view key,
                      const std::vector<std::string>& items) {
  cors.refuse_repeated(key, items);
  if (items.size() > 1 && std::ranges::find(items, "*") != items.end()) {
    cors.refuse(key, "found \"*\" beside others; valid is \"*\" alone");
  }
}

void check_cors(FieldReader& cors) {
  cors.boolean("allowCredentials");
  cors.integer("maxAge", Need::kDefaulted, {1, INT32_MAX});
  check_star_alone(cors, "allowOrigins",
                   cors.texts("allowOrigins", Need::kOptional, kCorsItems, kCorsOrigin));
  check_star_alone(cors, "allowMethods",
                   cors.texts("allowMethods", Need::kOptional, {.max = 9}, kCorsMethod));
  check_star_alone(cors, "allowHeaders",
                   cors.texts("allowHeaders", Need::kOptional, kCorsItems, kHeaderName));
  cors.refuse_repeated("exposeHeaders",
                       cors.texts("exposeHeaders", Need::kOptional, kCorsItems, kHeaderName));
}

void check_extension_ref(FieldReader& ref) {
  ref.required_text("group", kGroup);
  ref.required_text("kind", kKindName);
  ref.required_text("name", kReferenceName);
}

// The field that holds what a filter of the type does, and whether it must be (and may be) there.
void check_payload(FieldReader& filter, std::string_view type, std::string_view field,
                   std::string_view field_type) {
  if (filter.has(field) && type != field_type) {
    filter.refuse(
        fmt::format("found {}; it must not be set unless type is \"{}\"", field, field_type));
  }
  if (!filter.has(field) && type == field_type) {
    filter.refuse(fmt::format("{} must be specified for type \"{}\"", field, field_type));
  }
}

struct PlainFilter {
  std::string_view field;
  std::string_view type;
  void (*check)(FieldReader&);
};

constexpr std::array<PlainFilter, 5> kPlainFilters = {{
    {"requestHeaderModifier", "RequestHeaderModifier", check_header_modifier},
    {"responseHeaderModifier", "ResponseHeaderModifier", check_header_modifier},
    {"requestMirror", "RequestMirror", check_mirror},
    {"extensionRef", "ExtensionRef", check_extension_ref},
    {"cors", "CORS", check_cors},
}};

std::string check_filter(FieldReader& filter, FilterSummary& summary) {
  const std::string type = filter.required_text("type", kFilterType);
  for (const auto& [field, field_type, check] : kPlainFilters) {
    filter.object(field, Need::kOptional, check);
    if (!type.empty()) check_payload(filter, type, field, field_type);
  }
  filter.object("requestRedirect", Need::kOptional, [&](FieldReader& redirect) {
    ++summary.redirects;
    if (check_redirect(redirect)) ++summary.prefix_redirects;
  });
  filter.object("urlRewrite", Need::kOptional, [&](FieldReader& rewrite) {
    if (check_rewrite(rewrite)) ++summary.prefix_rewrites;
  });
  if (!type.empty()) {
    check_payload(filter, type, "requestRedirect", "RequestRedirect");
    check_payload(filter, type, "urlRewrite", "URLRewrite");
  }
  return type;
}

void check_together(FieldReader& owner, const std::map<std::string, int>& counts) {
  if (counts.contains("RequestRedirect") && counts.contains("URLRewrite")) {
    owner.refuse("filters", "found RequestRedirect and URLRewrite; valid is one of them");
  }
  for (const auto& [type, count] : counts) {
    if (count > 1 && std::ranges::find(kUnrepeatable, type) != kUnrepeatable.end()) {
      owner.refuse("filters", fmt::format("found {} {} filters; valid is one", count, type));
    }
  }
}

}  // namespace

FilterSummary check_http_filters(FieldReader& owner, std::vector<std::string>& unsupported) {
  FilterSummary summary;
  std::map<std::string, int> counts;
  owner.list("filters", Need::kOptional, {.max = 16}, [&](FieldReader& filter) {
    ++counts[check_filter(filter, summary)];
    unsupported.push_back(filter.path());
  });
  check_together(owner, counts);
  return summary;
}

}  // namespace sluice::model
