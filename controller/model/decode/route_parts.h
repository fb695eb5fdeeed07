// What the specs of routes have in common.
//
// `unserved` collects what the CRDs let through and Sluice does not serve (Route::unserved).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/decode/field_reader.h"
#include "controller/model/route.h"

namespace sluice::model {

using Unserved = std::vector<std::string>;

// spec.parentRefs with the rules between references.
std::vector<ParentRef> read_parent_refs(FieldReader& spec);

// parentRefs and hostnames.   REQUIRES: an HTTPRoute or a GRPCRoute.
void read_route_head(FieldReader& spec, Route& route);

// group, kind, name, namespace and port with the rule between them; weight is not read.
BackendRef read_backend_object_ref(FieldReader& ref);

// The same and weight.
BackendRef read_weighted_backend_ref(FieldReader& ref);

// A list of headers or query parameters to match.
std::vector<NameMatch> read_name_matches(FieldReader& match, std::string_view key,
                                         const TextRule& value_rule);

// What a filter of one type says, in the field that belongs to the type.
struct FilterPayload {
  std::string_view type;
  std::string_view field;
  HttpFilter (*read)(FieldReader& payload, Unserved& unserved);
};

// The filters that a kind of route has. types: in the order of the CRD.
struct FilterRules {
  std::span<const std::string_view> types;
  std::span<const FilterPayload> payloads;
  std::span<const std::string_view> unrepeatable;
  std::span<const std::string_view> exclusive;  // one of these at most
};

HttpFilter read_request_header_modifier(FieldReader& modifier, Unserved& unserved);
HttpFilter read_response_header_modifier(FieldReader& modifier, Unserved& unserved);
HttpFilter read_request_mirror(FieldReader& mirror, Unserved& unserved);
HttpFilter read_extension_ref(FieldReader& ref, Unserved& unserved);

// `filters` of a rule or a backendRef. Without errors as many as the list has.
std::vector<HttpFilter> read_filters(FieldReader& owner, const FilterRules& rules,
                                     Unserved& unserved);

// name, filters and backendRefs.
void read_rule_head(FieldReader& reader, const FilterRules& filters, RouteRule& rule,
                    Unserved& unserved);

// Names are unique, and the matches of all rules are not too many.
struct RuleSummary {
  std::optional<std::string_view> name;
  std::size_t matches = 0;
};

void check_rules_together(FieldReader& spec, std::span<const RuleSummary> rules);

}  // namespace sluice::model
