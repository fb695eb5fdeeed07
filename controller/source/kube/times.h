// Times as the API server wants them.
//
// Process: controller.   Spec: meta/v1 Time (RFC 3339 in seconds), MicroTime
// Tested by: test/unit/controller/source/kube/lease_test.cc, events_test.cc
#pragma once

#include <cstdint>
#include <string>

namespace sluice::source {

// `wall_us`: microseconds since 1970.
std::string second_time(std::int64_t wall_us);
std::string micro_time(std::int64_t wall_us);

}  // namespace sluice::source
