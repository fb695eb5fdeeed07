// What a controller knows, as metrics.
//
// Process: controller.   Thread: event loop.   Pure.
// Names: controller/doc/control.md   Tested by: test/e2e/test_health.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "controller/keeper/keeper.h"
#include "controller/model/store.h"
#include "controller/publish/publisher.h"
#include "controller/telemetry/metrics.h"

namespace sluice {

struct Numbers {
  const model::Store& store;
  const keeper::Keeper& keeper;
  const publish::Publisher& table;
  std::size_t problems = 0;
  bool published = false;  // everything that is known is in the table
};

std::vector<metrics::Metric> metrics_of(const Numbers& numbers);

}  // namespace sluice
