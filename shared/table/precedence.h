// The order of the rules at one path, and of the regular expressions of one hostname.
//
// "If ties still exist across multiple Routes, matching precedence MUST be determined in order of
// the following criteria: the oldest Route based on creation timestamp; the Route appearing first
// in alphabetical order by {namespace}/{name}. If ties still exist within an HTTPRoute, matching
// precedence MUST be granted to the FIRST matching rule (in list order) with a match meeting the
// above criteria." Before that: method match, then the largest number of header matches, then the
// largest number of query param matches. What is decided by kind and length of the path is decided
// by the matcher, which asks longer paths first; only regular expressions are ordered by length
// here.
//
// Process: controller, tests.   Spec: gateway-api v1 HTTPRouteRule.matches (precedence)
// Tested by: test/unit/shared/table/editor_test.cc, test/property/match_exhaustive_test.cc
#pragma once

#include "shared/table/rules.h"

namespace sluice::table {

bool is_header(const RuleCondition& condition);
bool is_regex(const RuleCondition& condition);

// Whether `a` is asked before `b`. REQUIRES: same kind of path, and the same path unless regexes.
bool precedes(const Rule& a, const Rule& b);

}  // namespace sluice::table
