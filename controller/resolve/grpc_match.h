// What a GRPCRoute matches, said as an HTTPRoute would: a call is a request for "/service/method".
//
//   service and method, Exact             Exact path "/service/method"
//   service alone, Exact                  prefix "/service"
//   method alone, or RegularExpression    a pattern of the path; what is not given is any segment
//   neither                               prefix "/"
//
// So both kinds of routes share one order of precedence.
//
// Process: controller.   Pure.   Spec: gateway-api v1 GRPCMethodMatch; gRPC over HTTP/2 (Path)
// Tested by: test/unit/controller/resolve/grpc_match_test.cc
#pragma once

#include "controller/model/grpc_route.h"
#include "controller/model/http_route.h"

namespace sluice::resolve {

model::HttpRouteMatch to_http_match(const model::GrpcRouteMatch& match);

}  // namespace sluice::resolve
