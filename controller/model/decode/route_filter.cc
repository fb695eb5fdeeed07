// The filters that both HTTPRoute and GRPCRoute have, and lists of filters.
// Spec: gateway-api v1.7.0 standard CRDs httproutes and grpcroutes.gateway.networking.k8s.io
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "controller/model/decode/route_parts.h"
#include "shared/http/field.h"

namespace sluice::model {

namespace {

void check_edited(const std::string& field, std::string_view name, Unserved& unserved) {
  if (!http::is_connection_field(name)) return;
  unserved.push_back(fmt::format(
      "{}: {} belongs to one connection or one message and can't be edited", field, quote(name)));
}

std::vector<HeaderValue> read_header_values(FieldReader& modifier, std::string_view key,
                                            Unserved& unserved) {
  std::vector<HeaderValue> headers;
  std::vector<std::string> names;
  modifier.list(key, Need::kOptional, {.max = 16}, [&](FieldReader& reader) {
    HeaderValue header;
    header.name = reader.required_text("name", kHeaderName);
    header.value = reader.required_text("value", kHeaderValue);
    check_edited(reader.path() + ".name", header.name, unserved);
    if (!http::is_field_value(header.value)) {
      unserved.push_back(fmt::format("{}.value: found {}; a header can't hold control characters",
                                     reader.path(), quote(header.value)));
    }
    names.push_back(header.name);
    headers.push_back(std::move(header));
  });
  modifier.refuse_repeated(key, names);
  return headers;
}

HeaderEdits read_header_edits(FieldReader& modifier, Unserved& unserved) {
  HeaderEdits edits;
  edits.set = read_header_values(modifier, "set", unserved);
  edits.add = read_header_values(modifier, "add", unserved);
  edits.remove = modifier.texts("remove", Need::kOptional, {.max = 16}, kAnyText);
  modifier.refuse_repeated("remove", edits.remove);
  for (std::size_t i = 0; i < edits.remove.size(); ++i) {
    check_edited(fmt::format("{}.remove[{}]", modifier.path(), i), edits.remove[i], unserved);
  }
  return edits;
}

void read_fraction(FieldReader& reader, RequestMirror& mirror) {
  const auto numerator = reader.integer("numerator", Need::kRequired, {0, INT32_MAX});
  const auto denominator =
      reader.integer("denominator", Need::kDefaulted, {1, INT32_MAX}).value_or(100);
  if (numerator && *numerator > denominator) {
    reader.refuse(fmt::format("found {}/{}; numerator must not be greater than denominator",
                              *numerator, denominator));
  }
  mirror.numerator = static_cast<std::uint32_t>(numerator.value_or(0));
  mirror.denominator = static_cast<std::uint32_t>(denominator);
}

// The field that holds what a filter of the type does, and whether it must be (and may be) there.
void check_payload(FieldReader& filter, std::string_view type, const FilterPayload& payload) {
  if (filter.has(payload.field) && type != payload.type) {
    filter.refuse(fmt::format("found {}; it must not be set unless type is \"{}\"", payload.field,
                              payload.type));
  }
  if (!filter.has(payload.field) && type == payload.type) {
    filter.refuse(fmt::format("{} must be specified for type \"{}\"", payload.field, payload.type));
  }
}

std::optional<HttpFilter> read_filter(FieldReader& filter, std::string_view type,
                                      const FilterRules& rules, Unserved& unserved) {
  std::optional<HttpFilter> result;
  for (const FilterPayload& payload : rules.payloads) {
    filter.object(payload.field, Need::kOptional, [&](FieldReader& reader) {
      HttpFilter value = payload.read(reader, unserved);
      if (type == payload.type) result = std::move(value);
    });
    if (!type.empty()) check_payload(filter, type, payload);
  }
  return result;
}

}  // namespace

HttpFilter read_request_header_modifier(FieldReader& modifier, Unserved& unserved) {
  return RequestHeaderModifier{read_header_edits(modifier, unserved)};
}

HttpFilter read_response_header_modifier(FieldReader& modifier, Unserved& unserved) {
  return ResponseHeaderModifier{read_header_edits(modifier, unserved)};
}

HttpFilter read_request_mirror(FieldReader& reader, Unserved& /*unserved*/) {
  RequestMirror mirror;
  reader.object("backendRef", Need::kRequired,
                [&](FieldReader& ref) { mirror.backend = read_backend_object_ref(ref); });
  const auto percent = reader.integer("percent", Need::kOptional, {0, 100});
  if (percent) mirror.numerator = static_cast<std::uint32_t>(*percent);
  reader.object("fraction", Need::kOptional,
                [&](FieldReader& fraction) { read_fraction(fraction, mirror); });
  if (reader.has("percent") && reader.has("fraction")) {
    reader.refuse("found percent and fraction; valid is one of them");
  }
  return mirror;
}

HttpFilter read_extension_ref(FieldReader& reader, Unserved& unserved) {
  ExtensionRef ref;
  ref.group = reader.required_text("group", kGroup);
  ref.kind = reader.required_text("kind", kKindName);
  ref.name = reader.required_text("name", kReferenceName);
  unserved.push_back(fmt::format("{}: {}/{} is not a kind of filter that Sluice knows",
                                 reader.path(), readable(ref.group), readable(ref.kind)));
  return ref;
}

std::vector<HttpFilter> read_filters(FieldReader& owner, const FilterRules& rules,
                                     Unserved& unserved) {
  const TextRule type_rule = {.choices = rules.types};
  std::vector<HttpFilter> filters;
  std::map<std::string, int> counts;
  owner.list("filters", Need::kOptional, {.max = 16}, [&](FieldReader& filter) {
    const std::string type = filter.required_text("type", type_rule);
    ++counts[type];
    auto value = read_filter(filter, type, rules, unserved);
    if (value) filters.push_back(std::move(*value));
  });
  std::vector<std::string_view> exclusive;
  for (const std::string_view type : rules.exclusive) {
    if (counts.contains(std::string(type))) exclusive.push_back(type);
  }
  if (exclusive.size() > 1) {
    owner.refuse("filters",
                 fmt::format("found {}; valid is one of them", fmt::join(exclusive, " and ")));
  }
  for (const auto& [type, count] : counts) {
    if (count > 1 && std::ranges::find(rules.unrepeatable, type) != rules.unrepeatable.end()) {
      owner.refuse("filters", fmt::format("found {} {} filters; valid is one", count, type));
    }
  }
  return filters;
}

}  // namespace sluice::model
