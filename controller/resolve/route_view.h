// A route of any kind as resolving looks at it.
//
// Process: controller.   Pure.   Lifetime: a view borrows the object.
// Tested by: test/golden
#pragma once

#include <optional>
#include <vector>

#include "controller/model/grpc_route.h"
#include "controller/model/http_route.h"
#include "controller/model/store.h"

namespace sluice::resolve {

struct RouteView {
  model::Kind kind = model::Kind::kHttpRoute;
  const model::Route* route = nullptr;         // what routes of every kind have
  std::vector<const model::RouteRule*> rules;  // but for their matches
};

bool is_route(model::Kind kind);

// TLSRoute, TCPRoute and UDPRoute: nothing of what they carry is looked at.
bool is_stream_route(model::Kind kind);

// REQUIRES: the object is a route.
RouteView view_route(const model::Object& object);

// What each rule matches, as paths, methods and headers of HTTP. A rule of a stream route has one
// match, which everything matches.
std::vector<std::vector<model::HttpRouteMatch>> matches_of(const model::Object& route);

// Whether the rules of both are the same text. REQUIRES: routes of one kind.
bool same_rules(const model::Object& a, const model::Object& b);

}  // namespace sluice::resolve
