// The larger parts of an HTTPRoute's spec.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/model/decode/field_reader.h"
#include "controller/model/http_route.h"

namespace sluice::model {

// spec.parentRefs with the rules between references.
std::vector<ParentRef> read_parent_refs(FieldReader& spec);

HttpRouteMatch read_http_match(FieldReader& match);

// What the rules between filters, matches and backends need to know about a list of filters.
struct FilterSummary {
  int redirects = 0;         // with requestRedirect
  int prefix_redirects = 0;  // requestRedirect.path.type ReplacePrefixMatch
  int prefix_rewrites = 0;   // urlRewrite.path.type ReplacePrefixMatch
};

// `filters` of a rule or a backendRef: checked, and each listed in `unsupported`.
FilterSummary check_http_filters(FieldReader& owner, std::vector<std::string>& unsupported);

// group, kind, name, namespace and port with the rule between them; weight is not read.
BackendRef read_backend_object_ref(FieldReader& ref);

// timeouts and retry of a rule: checked, and each listed in `unsupported`.
void check_http_timing(FieldReader& rule, std::vector<std::string>& unsupported);

}  // namespace sluice::model
