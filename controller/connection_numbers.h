// What workers counted of connections and sessions, as metrics: by route of TLS, TCP and UDP, and
// by listening socket.
//
// Process: controller.   Thread: event loop.   The numbers are what workers wrote, whatever that
// is. Names: controller/doc/control.md   Tested by: test/e2e/test_stream_counters.py
#pragma once

#include <vector>

#include "controller/telemetry/metrics.h"

namespace sluice::table {
struct TableCounters;
}

namespace sluice {

std::vector<metrics::Metric> metrics_of(const table::TableCounters& counters);

}  // namespace sluice
