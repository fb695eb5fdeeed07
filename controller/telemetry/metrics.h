// Numbers for a monitoring system, as text.
//
// Process: controller.   Pure.
// Spec: the text format 0.0.4 of Prometheus
// Tested by: test/unit/controller/telemetry/metrics_test.cc
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::metrics {

enum class Type : std::uint8_t { kGauge, kCounter };

struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;  // name, value
  double value = 0;
};

struct Metric {
  std::string name;  // "sluice_objects"
  std::string help;
  Type type = Type::kGauge;
  std::vector<Sample> samples;
};

std::string to_text(const std::vector<Metric>& metrics);

}  // namespace sluice::metrics
