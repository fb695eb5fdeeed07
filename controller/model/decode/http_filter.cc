// The filters that only HTTPRoute has.
// Spec: gateway-api v1.7.0 standard CRD httproutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
constexpr std::array<std::string_view, 5> kUnrepeatable = {
    "CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"};
constexpr std::array<std::string_view, 2> kExclusive = {"RequestRedirect", "URLRewrite"};

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

void check_path_fields(FieldReader& path, std::string_view type, std::string_view wanted,
                       std::string_view other) {
  if (!path.has(wanted)) {
    path.refuse(fmt::format("{} must be specified when type is \"{}\"", wanted, type));
  }
  if (path.has(other)) {
    path.refuse(fmt::format("{} must not be specified when type is \"{}\"", other, type));
  }
}

// The CRD takes any text; what is sent must be a path.
void check_replacement(const FieldReader& path, std::string_view key, std::string_view value,
                       Unserved& unserved) {
  if (value.empty() || (value.starts_with('/') && is_path_text(value))) return;
  unserved.push_back(
      fmt::format("{}.{}: found {}; valid is a path that starts with \"/\", of letters, digits, "
                  "-/._~!$&'()*+,;=:@ and escapes such as %20",
                  path.path(), key, quote(value)));
}

std::optional<PathModifier> read_path_modifier(FieldReader& owner, Unserved& unserved) {
  constexpr std::string_view kFull = "replaceFullPath";
  constexpr std::string_view kPrefix = "replacePrefixMatch";
  std::optional<PathModifier> result;
  owner.object("path", Need::kOptional, [&](FieldReader& path) {
    const std::string type = path.required_text("type", kPathModifierType);
    const bool full = type == "ReplaceFullPath";
    const std::string full_path = path.text(kFull, kReplacement).value_or("");
    const std::string prefix = path.text(kPrefix, kReplacement).value_or("");
    if (type.empty()) return;
    check_path_fields(path, type, full ? kFull : kPrefix, full ? kPrefix : kFull);
    result = {full ? PathModifierType::kFullPath : PathModifierType::kPrefixMatch,
              full ? full_path : prefix};
    check_replacement(path, full ? kFull : kPrefix, result->value, unserved);
  });
  return result;
}

HttpFilter read_redirect(FieldReader& reader, Unserved& unserved) {
  RequestRedirect redirect;
  redirect.scheme = reader.text("scheme", kScheme);
  redirect.hostname = reader.text("hostname", kExactHostname);
  redirect.port = reader.port("port", Need::kOptional);
  const auto code =
      reader.integer("statusCode", Need::kDefaulted, {INT32_MIN, INT32_MAX}).value_or(302);
  if (std::ranges::find(kRedirectCodes, code) == kRedirectCodes.end()) {
    reader.refuse("statusCode",
                  fmt::format("found {}; valid are 301, 302, 303, 307 and 308", code));
  }
  redirect.status_code = static_cast<std::uint16_t>(code);
  redirect.path = read_path_modifier(reader, unserved);
  return redirect;
}

HttpFilter read_rewrite(FieldReader& reader, Unserved& unserved) {
  UrlRewrite rewrite;
  rewrite.hostname = reader.text("hostname", kExactHostname);
  rewrite.path = read_path_modifier(reader, unserved);
  return rewrite;
}

// A set in which "*" must stand alone.
std::vector<std::string> read_cors_items(FieldReader& cors, std::string_view key, ListRule rule,
                                         const TextRule& item) {
  std::vector<std::string> items = cors.texts(key, Need::kOptional, rule, item);
  cors.refuse_repeated(key, items);
  if (items.size() > 1 && std::ranges::find(items, "*") != items.end()) {
    cors.refuse(key, "found \"*\" beside others; valid is \"*\" alone");
  }
  return items;
}

HttpFilter read_cors(FieldReader& reader, Unserved& /*unserved*/) {
  Cors cors;
  cors.allow_credentials = reader.boolean("allowCredentials").value_or(false);
  const auto max_age = reader.integer("maxAge", Need::kDefaulted, {1, INT32_MAX});
  if (max_age) cors.max_age = static_cast<std::uint32_t>(*max_age);
  cors.allow_origins = read_cors_items(reader, "allowOrigins", kCorsItems, kCorsOrigin);
  cors.allow_methods = read_cors_items(reader, "allowMethods", {.max = 9}, kCorsMethod);
  cors.allow_headers = read_cors_items(reader, "allowHeaders", kCorsItems, kHeaderName);
  cors.expose_headers = reader.texts("exposeHeaders", Need::kOptional, kCorsItems, kHeaderName);
  reader.refuse_repeated("exposeHeaders", cors.expose_headers);
  return cors;
}

constexpr std::array<FilterPayload, 7> kPayloads = {{
    {"RequestHeaderModifier", "requestHeaderModifier", read_request_header_modifier},
    {"ResponseHeaderModifier", "responseHeaderModifier", read_response_header_modifier},
    {"RequestMirror", "requestMirror", read_request_mirror},
    {"RequestRedirect", "requestRedirect", read_redirect},
    {"URLRewrite", "urlRewrite", read_rewrite},
    {"ExtensionRef", "extensionRef", read_extension_ref},
    {"CORS", "cors", read_cors},
}};

}  // namespace

FilterRules http_filter_rules() {
  return {kFilterTypes, kPayloads, kUnrepeatable, kExclusive};
}

}  // namespace sluice::model
