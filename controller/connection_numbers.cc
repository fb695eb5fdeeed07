#include "controller/connection_numbers.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "controller/model/object.h"
#include "shared/table/dump_text.h"
#include "shared/table/table_counters.h"

namespace sluice {

namespace {

using metrics::Metric;
using metrics::Type;

using Labels = std::vector<std::pair<std::string, std::string>>;

void add(Metric& metric, Labels labels, std::string name, std::string value, std::uint64_t number) {
  if (!name.empty()) labels.emplace_back(std::move(name), std::move(value));
  metric.samples.push_back({std::move(labels), static_cast<double>(number)});
}

std::string_view kind_of(table::RouteKind kind) {
  switch (kind) {
    case table::RouteKind::kTlsRoute:
      return model::kind_name(model::Kind::kTlsRoute);
    case table::RouteKind::kUdpRoute:
      return model::kind_name(model::Kind::kUdpRoute);
    default:
      return model::kind_name(model::Kind::kTcpRoute);
  }
}

Labels labels_of(const table::RouteName& route) {
  const std::size_t slash = route.name.find('/');
  return {{"kind", std::string(kind_of(route.kind))},
          {"namespace", route.name.substr(0, slash)},
          {"name", route.name.substr(slash + 1)}};
}

Labels labels_of(const table::SocketKey& socket) {
  return {{"address", table::address_text(socket.family, socket.address, socket.port)},
          {"transport", socket.transport == table::Transport::kUdp ? "udp" : "tcp"}};
}

}  // namespace

std::vector<Metric> metrics_of(const table::TableCounters& counters) {
  Metric connections{"sluice_route_connections_total",
                     "Connections and sessions of a route, by whether an endpoint had them.",
                     Type::kCounter,
                     {}};
  Metric active{"sluice_route_connections_active",
                "Connections and sessions of a route that did not end yet.",
                Type::kGauge,
                {}};
  Metric bytes{"sluice_route_bytes_total",
               "Bytes of a route's connections and sessions that ended.",
               Type::kCounter,
               {}};
  counters.routes.for_each([&](const table::RouteName& route, const arena::RouteCounter& counted) {
    const Labels labels = labels_of(route);
    add(connections, labels, "result", "relayed", counted.relayed);
    add(connections, labels, "result", "refused", counted.refused);
    add(active, labels, "", "", counted.active);
    add(bytes, labels, "direction", "from_clients", counted.from_clients);
    add(bytes, labels, "direction", "to_clients", counted.to_clients);
  });
  Metric accepted{"sluice_listener_connections_total",
                  "Connections and sessions that came to a socket.",
                  Type::kCounter,
                  {}};
  Metric closed{"sluice_listener_connections_closed_total",
                "Those of them that came to no route, by why.",
                Type::kCounter,
                {}};
  counters.sockets.for_each(
      [&](const table::SocketKey& socket, const arena::SocketCounter& counted) {
        const Labels labels = labels_of(socket);
        add(accepted, labels, "", "", counted.accepted);
        add(closed, labels, "reason", "too_slow", counted.too_slow);
        add(closed, labels, "reason", "malformed", counted.malformed);
        add(closed, labels, "reason", "no_route", counted.no_route);
      });
  return {connections, active, bytes, accepted, closed};
}

}  // namespace sluice
