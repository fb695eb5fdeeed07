// spec.rules[].matches[]. Spec: gateway-api v1.7.0 standard CRD
// httproutes.gateway.networking.k8s.io
#include <fmt/format.h>

#include <array>

#include "controller/model/decode/http_route_parts.h"

namespace sluice::model {

namespace {

constexpr std::array<std::string_view, 3> kPathTypes = {"Exact", "PathPrefix", "RegularExpression"};
constexpr TextRule kPathType = {.choices = kPathTypes};
constexpr TextRule kPathValue = {.max = 1024};
constexpr TextRule kQueryValue = {.min = 1, .max = 1024};
constexpr std::array<std::string_view, 9> kMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
constexpr TextRule kMethod = {.choices = kMethods};

// What an Exact or PathPrefix value must not contain or end with.
constexpr std::array<std::string_view, 6> kForbiddenInside = {"//",  "/./", "/../",
                                                              "%2f", "%2F", "#"};
constexpr std::array<std::string_view, 2> kForbiddenAtEnd = {"/..", "/."};

// What is wrong with an Exact or PathPrefix value, or "".
std::string path_problem(std::string_view value) {
  if (!value.starts_with('/')) {
    return fmt::format("found {}; valid is a path that starts with \"/\"", quote(value));
  }
  for (const std::string_view part : kForbiddenInside) {
    if (value.find(part) != std::string_view::npos) {
      return fmt::format("found {}; must not contain \"{}\"", quote(value), part);
    }
  }
  for (const std::string_view end : kForbiddenAtEnd) {
    if (value.ends_with(end)) {
      return fmt::format("found {}; must not end with \"{}\"", quote(value), end);
    }
  }
  if (is_path_text(value)) return "";
  return fmt::format(
      "found {}; valid are letters, digits, -/._~!$&'()*+,;=:@ and escapes such as %20",
      quote(value));
}

PathMatch read_path(FieldReader& reader) {
  PathMatch path;
  const std::string type = reader.text_or("type", "PathPrefix", kPathType);
  path.value = reader.text_or("value", "/", kPathValue);
  if (type == "RegularExpression") {
    path.type = PathMatchType::kRegularExpression;
    return path;
  }
  if (type == "Exact") path.type = PathMatchType::kExact;
  std::string problem = path_problem(path.value);
  if (!problem.empty()) reader.refuse(std::move(problem));
  return path;
}

}  // namespace

HttpRouteMatch read_http_match(FieldReader& match) {
  HttpRouteMatch result;
  match.object("path", Need::kDefaulted, [&](FieldReader& path) { result.path = read_path(path); });
  result.headers = read_name_matches(match, "headers", kHeaderValue);
  result.query_params = read_name_matches(match, "queryParams", kQueryValue);
  result.method = match.text("method", kMethod);
  return result;
}

}  // namespace sluice::model
