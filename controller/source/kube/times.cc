#include "controller/source/kube/times.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace sluice::source {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

std::tm utc_of(std::int64_t wall_us) {
  const std::time_t seconds = wall_us / kSecondUs;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

std::string second_time(std::int64_t wall_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", utc_of(wall_us));
}

std::string micro_time(std::int64_t wall_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", utc_of(wall_us), wall_us % kSecondUs);
}

}  // namespace sluice::source
