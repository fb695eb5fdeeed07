#include "controller/numbers.h"

#include <string>
#include <utility>

#include "controller/connection_numbers.h"
#include "controller/control/kinds.h"

namespace sluice {

namespace {

using metrics::Metric;
using metrics::Type;

Metric gauge(std::string name, std::string help, double value) {
  return {std::move(name), std::move(help), Type::kGauge, {{{}, value}}};
}

Metric objects(const model::Store& store) {
  Metric metric{"sluice_objects", "Objects that are known, by kind.", Type::kGauge, {}};
  for (const model::Kind kind : control::known_kinds()) {
    metric.samples.push_back({{{"kind", std::string(model::kind_name(kind))}},
                              static_cast<double>(store.all(kind).size())});
  }
  return metric;
}

Metric workers(const Numbers& numbers) {
  Metric metric{"sluice_workers",
                "Workers of nginx, by whether they answer by the newest table.",
                Type::kGauge,
                {}};
  double current = 0;
  double behind = 0;
  for (const keeper::WorkerInfo& worker : numbers.keeper.workers())
    ++(worker.acknowledged >= numbers.table.generation() ? current : behind);
  metric.samples = {{{{"state", "current"}}, current}, {{{"state", "behind"}}, behind}};
  return metric;
}

Metric sockets(const keeper::Keeper& keeper) {
  const status::DataPlane data_plane = keeper.data_plane();
  return {"sluice_sockets",
          "Sockets of listeners, by whether they are open.",
          Type::kGauge,
          {{{{"state", "open"}}, static_cast<double>(data_plane.open_sockets.size())},
           {{{"state", "failed"}}, static_cast<double>(data_plane.failed_sockets.size())}}};
}

}  // namespace

std::vector<Metric> metrics_of(const Numbers& numbers) {
  const arena::Arena& arena = numbers.table.arena();
  std::vector<Metric> all = {
      {"sluice_build_info",
       "1, with the version.",
       Type::kGauge,
       {{{{"version", SLUICE_VERSION}}, 1}}},
      objects(numbers.store),
      gauge("sluice_problems", "What is wrong with objects, as sluicectl tells it.",
            static_cast<double>(numbers.problems)),
      {"sluice_table_generation",
       "Tables that were published since the table was made.",
       Type::kCounter,
       {{{}, static_cast<double>(numbers.table.generation())}}},
      gauge("sluice_table_pending", "1: something is known that is not published yet.",
            numbers.published ? 0 : 1),
      gauge("sluice_table_bytes", "Shared memory that the table uses.",
            static_cast<double>(arena.live_bytes())),
      gauge("sluice_table_retired_bytes", "Shared memory that workers may still read.",
            static_cast<double>(arena.limbo_bytes())),
      workers(numbers),
      sockets(numbers.keeper),
  };
  for (Metric& metric : metrics_of(numbers.table.counters()))
    all.push_back(std::move(metric));
  return all;
}

}  // namespace sluice
