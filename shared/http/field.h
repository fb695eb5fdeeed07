// Header fields that a filter may write: what is a name, what is a value, and which fields belong
// to the connection, so that only nginx can say them.
//
// Process: all.   Thread: any.   Allocates: nothing.   Fails: never.
// Spec: RFC 9110 5.1, 5.5 and 7.6.1; RFC 9113 8.2.2
// Tested by: test/unit/shared/http/field_test.cc
#pragma once

#include <cstddef>
#include <string_view>

#include "shared/http/header.h"

namespace sluice::http {

// A token: neither empty nor with a character that ends a name.
bool is_field_name(std::string_view name);

// Without control characters other than the tab. Empty is a value.
bool is_field_value(std::string_view value);

// Framing and hop-by-hop fields: nginx writes them itself, or must not forward them.
bool is_connection_field(std::string_view name);

// Of a Connection field: visit(name) for the fields that it says are about this connection only,
// those left out that is_connection_field() knows anyway.
template <class Visit>
void for_each_nominated(std::string_view connection, Visit&& visit) {
  while (!connection.empty()) {
    const std::size_t comma = connection.find(',');
    std::string_view name = connection.substr(0, comma);
    connection.remove_prefix(comma == std::string_view::npos ? connection.size() : comma + 1);
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t'))
      name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
      name.remove_suffix(1);
    if (same_header_name(name, "close") || !is_field_name(name)) continue;
    if (!is_connection_field(name)) visit(name);
  }
}

}  // namespace sluice::http
