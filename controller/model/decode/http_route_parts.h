// The larger parts of an HTTPRoute's spec.
#pragma once

#include "controller/model/decode/field_reader.h"
#include "controller/model/decode/route_parts.h"
#include "controller/model/http_route.h"

namespace sluice::model {

HttpRouteMatch read_http_match(FieldReader& match);

// The filters that an HTTPRoute has.
FilterRules http_filter_rules();

// timeouts and retry of a rule.
void read_http_timing(FieldReader& reader, RouteRule& rule);

}  // namespace sluice::model
