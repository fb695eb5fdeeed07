// GRPCRoute as its CRD says, defaults applied.
// Spec: gateway-api v1.7.0 GRPCRoute
#pragma once

#include <string>
#include <vector>

#include "controller/model/route.h"

namespace sluice::model {

// The call: "/service/method". Empty: any.
struct GrpcMethodMatch {
  bool regex = false;
  std::string service;
  std::string method;
  bool operator==(const GrpcMethodMatch&) const = default;
};

struct GrpcRouteMatch {
  GrpcMethodMatch method;
  std::vector<NameMatch> headers;
  bool operator==(const GrpcRouteMatch&) const = default;
};

struct GrpcRouteRule : RouteRule {
  std::vector<GrpcRouteMatch> matches;  // never empty after decoding
  bool operator==(const GrpcRouteRule&) const = default;
};

struct GrpcRoute : Route {
  std::vector<GrpcRouteRule> rules;
};

}  // namespace sluice::model
