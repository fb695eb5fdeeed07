#include "controller/telemetry/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace sluice::metrics {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

std::string labels_text(const Sample& sample) {
  std::string out;
  for (const auto& [name, value] : sample.labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  return out.empty() ? out : "{" + out + "}";
}

}  // namespace

std::string to_text(const std::vector<Metric>& metrics) {
  std::string out;
  for (const Metric& metric : metrics) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", metric.name,
                   metric.help, metric.name, metric.type == Type::kGauge ? "gauge" : "counter");
    for (const Sample& sample : metric.samples) {
      fmt::format_to(std::back_inserter(out), "{}{} {}\n", metric.name, labels_text(sample),
                     sample.value);
    }
  }
  return out;
}

}  // namespace sluice::metrics
