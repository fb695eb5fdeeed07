// The lines of the file `counters`: of endpoint addresses, and by name those of routes of streams
// and of listening sockets.
// Process: controller.   Thread: event loop.
// Tested by: test/unit/shared/table/editor_counters_test.cc
#pragma once

#include <string>

#include "shared/arena/layout.h"
#include "shared/table/counter_lines.h"
#include "shared/table/editor.h"
#include "shared/table/named_lines.h"
#include "shared/table/rules.h"

namespace sluice::table {

struct RouteName {
  RouteKind kind = RouteKind::kTcpRoute;
  std::string name;  // "namespace/name"
};

Identity identity_of(const RouteName& route);
Identity identity_of(const SocketKey& socket);

struct TableCounters {
  explicit TableCounters(arena::Arena& arena) : lines(arena), routes(lines), sockets(lines) {}

  CounterLines lines;  // of all: those of endpoints have no name
  NamedLines<RouteName, arena::RouteCounter> routes;
  NamedLines<SocketKey, arena::SocketCounter> sockets;
};

// Routes of connections and sessions, whose actions name a line.
bool is_counted(RouteKind kind);

}  // namespace sluice::table
