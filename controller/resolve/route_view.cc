#include "controller/resolve/route_view.h"

#include <variant>

#include "controller/resolve/grpc_match.h"

namespace sluice::resolve {

namespace {

template <class Rule>
std::vector<const model::RouteRule*> rules_of(const std::vector<Rule>& rules) {
  std::vector<const model::RouteRule*> views;
  views.reserve(rules.size());
  for (const Rule& rule : rules) {
    views.push_back(&rule);
  }
  return views;
}

// Null: the route is of another kind.
const model::StreamRoute* find_stream_route(const model::Object& object) {
  if (const auto* tls = std::get_if<model::TlsRoute>(&object)) return tls;
  if (const auto* tcp = std::get_if<model::TcpRoute>(&object)) return tcp;
  return std::get_if<model::UdpRoute>(&object);
}

}  // namespace

bool is_route(model::Kind kind) {
  return kind == model::Kind::kHttpRoute || kind == model::Kind::kGrpcRoute ||
         is_stream_route(kind);
}

bool is_stream_route(model::Kind kind) {
  return kind == model::Kind::kTlsRoute || kind == model::Kind::kTcpRoute ||
         kind == model::Kind::kUdpRoute;
}

RouteView view_route(const model::Object& object) {
  if (const auto* grpc = std::get_if<model::GrpcRoute>(&object)) {
    return {model::Kind::kGrpcRoute, grpc, rules_of(grpc->rules)};
  }
  if (const auto* stream = find_stream_route(object)) {
    return {model::kind_of(object), stream, rules_of(stream->rules)};
  }
  const auto& http = std::get<model::HttpRoute>(object);
  return {model::Kind::kHttpRoute, &http, rules_of(http.rules)};
}

std::vector<std::vector<model::HttpRouteMatch>> matches_of(const model::Object& route) {
  std::vector<std::vector<model::HttpRouteMatch>> matches;
  if (const auto* grpc = std::get_if<model::GrpcRoute>(&route)) {
    for (const model::GrpcRouteRule& rule : grpc->rules) {
      auto& of_rule = matches.emplace_back();
      for (const model::GrpcRouteMatch& match : rule.matches) {
        of_rule.push_back(to_http_match(match));
      }
    }
    return matches;
  }
  if (const auto* stream = find_stream_route(route)) {
    matches.assign(stream->rules.size(), {model::HttpRouteMatch{}});
    return matches;
  }
  for (const model::HttpRouteRule& rule : std::get<model::HttpRoute>(route).rules) {
    matches.push_back(rule.matches);
  }
  return matches;
}

bool same_rules(const model::Object& a, const model::Object& b) {
  if (const auto* grpc = std::get_if<model::GrpcRoute>(&a)) {
    return grpc->rules == std::get<model::GrpcRoute>(b).rules;
  }
  if (const auto* stream = find_stream_route(a)) {
    return stream->rules == find_stream_route(b)->rules;
  }
  return std::get<model::HttpRoute>(a).rules == std::get<model::HttpRoute>(b).rules;
}

}  // namespace sluice::resolve
