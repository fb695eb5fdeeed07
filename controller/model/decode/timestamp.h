// Points in time as Kubernetes writes them: RFC 3339, "2026-01-31T23:59:60.5+01:00".
//
// Process: controller, sluicectl.   Thread: any.   Allocates: nothing.
// Spec: RFC 3339 5.6.   Tested by: test/unit/controller/model/decode/timestamp_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::model {

// Seconds since the epoch, fractions cut off; none when it is no such text or no such day.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace sluice::model
