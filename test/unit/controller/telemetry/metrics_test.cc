#include "controller/telemetry/metrics.h"

#include <gtest/gtest.h>

namespace sluice::metrics {
namespace {

TEST(MetricsTest, TheyAreWrittenAsPrometheusReadsThem) {
  const std::vector<Metric> metrics = {
      {"sluice_objects",
       "Objects that are known.",
       Type::kGauge,
       {{{{"kind", "Gateway"}}, 2}, {{{"kind", "HTTPRoute"}, {"ns", "a"}}, 40000}}},
      {"sluice_published_total", "Tables.", Type::kCounter, {{{}, 7}}}};
  EXPECT_EQ(to_text(metrics),
            "# HELP sluice_objects Objects that are known.\n"
            "# TYPE sluice_objects gauge\n"
            "sluice_objects{kind=\"Gateway\"} 2\n"
            "sluice_objects{kind=\"HTTPRoute\",ns=\"a\"} 40000\n"
            "# HELP sluice_published_total Tables.\n"
            "# TYPE sluice_published_total counter\n"
            "sluice_published_total 7\n");
}

TEST(MetricsTest, ValuesOfLabelsAreEscaped) {
  const std::vector<Metric> metrics = {{"m", "h", Type::kGauge, {{{{"l", "a\"b\\c\nd"}}, 1}}}};
  EXPECT_NE(to_text(metrics).find("m{l=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace sluice::metrics
