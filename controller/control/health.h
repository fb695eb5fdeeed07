// What a kubelet and a monitoring system ask: /healthz, /readyz and /metrics, on the control socket
// and on the port of --health-address.
//
// Process: controller.   Thread: event loop.   Pure.
// Protocol: controller/doc/control.md   Tested by: test/unit/controller/control/health_test.cc
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/control/server.h"
#include "controller/telemetry/metrics.h"

namespace sluice::control {

struct Health {
  std::string not_ready;  // why; "": ready
  std::function<std::vector<metrics::Metric>()> metrics;
};

// None: something else is asked.
std::optional<Response> health_answer(const Request& request, const Health& health);

}  // namespace sluice::control
