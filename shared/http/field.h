// Header fields that a filter may write: what is a name, what is a value, and which fields belong
// to the connection, so that only nginx can say them.
//
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.
// Spec: RFC 9110 5.1, 5.5 and 7.6.1; RFC 9113 8.2.2
// Tested by: test/unit/shared/http/field_test.cc
#pragma once

#include <string_view>

namespace sluice::http {

// A token: neither empty nor with a character that ends a name.
bool is_field_name(std::string_view name);

// Without control characters other than the tab. Empty is a value.
bool is_field_value(std::string_view value);

// Framing and hop-by-hop fields: nginx writes them itself, or must not forward them.
bool is_connection_field(std::string_view name);

}  // namespace sluice::http
