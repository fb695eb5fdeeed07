// The alpha versions are read by the rules of v1: exactly one rule, and hostnames of a TLSRoute.
// Spec: gateway-api v1.7.0 standard CRDs tlsroutes, tcproutes and
// udproutes.gateway.networking.k8s.io
#include <utility>

#include "controller/model/decode/kinds.h"
#include "controller/model/decode/route_parts.h"

namespace sluice::model {

namespace {

RouteRule read_rule(FieldReader& reader) {
  RouteRule rule;
  rule.name = reader.text("name", kDnsSubdomain);
  reader.list("backendRefs", Need::kRequired, {.min = 1, .max = 16}, [&](FieldReader& ref) {
    rule.backend_refs.push_back({.ref = read_weighted_backend_ref(ref)});
  });
  return rule;
}

template <class T>
T read_route(FieldReader& root, Meta meta, bool has_hostnames) {
  T route;
  route.meta = std::move(meta);
  root.ignore({"status"});
  root.object("spec", Need::kRequired, [&](FieldReader& spec) {
    route.parent_refs = read_parent_refs(spec);
    if (has_hostnames) {
      route.hostnames =
          spec.texts("hostnames", Need::kRequired, {.min = 1, .max = 1024}, kHostname);
    }
    spec.list("rules", Need::kRequired, {.min = 1, .max = 1},
              [&](FieldReader& rule) { route.rules.push_back(read_rule(rule)); });
  });
  return route;
}

}  // namespace

TlsRoute decode_tls_route(FieldReader& root, Meta meta) {
  return read_route<TlsRoute>(root, std::move(meta), true);
}

TcpRoute decode_tcp_route(FieldReader& root, Meta meta) {
  return read_route<TcpRoute>(root, std::move(meta), false);
}

UdpRoute decode_udp_route(FieldReader& root, Meta meta) {
  return read_route<UdpRoute>(root, std::move(meta), false);
}

}  // namespace sluice::model
