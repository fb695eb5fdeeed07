// Resolved values -> the values that the Editor and the EndpointTable take. Pure.
//
// Tested by: test/unit/controller/compile/rules_test.cc
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "controller/resolve/delta.h"
#include "shared/table/editor.h"
#include "shared/table/endpoints.h"
#include "shared/table/rules.h"

namespace sluice::compile {

// hostname: "" = any, "*.example.com" = wildcard, lower case (resolving made it so).
table::Host to_host(std::string_view hostname);

// Every match of every rule; the matches of one rule share its action.
std::vector<table::Rule> to_rules(const resolve::ServedRoute& route);

// None for what is no IP address; resolving lets none through.
std::optional<table::SocketKey> to_socket_key(const resolve::Socket& socket);
// How the backend's endpoints are reached; none: in plain text.
std::optional<table::BackendTlsRule> to_backend_tls(const resolve::ServedBackend& backend);

std::optional<table::EndpointAddress> to_endpoint(const resolve::BackendAddress& address);

}  // namespace sluice::compile
