// TLSRoute, TCPRoute and UDPRoute as their CRDs say, defaults applied: connections and sessions
// that go to backends as they are. Spec: gateway-api v1.7.0 TLSRoute, TCPRoute, UDPRoute
#pragma once

#include <vector>

#include "controller/model/route.h"

namespace sluice::model {

// rules: exactly one. hostnames: only of a TLSRoute, which has one at least.
struct StreamRoute : Route {
  std::vector<RouteRule> rules;
};

struct TlsRoute : StreamRoute {};

struct TcpRoute : StreamRoute {};

struct UdpRoute : StreamRoute {};

}  // namespace sluice::model
