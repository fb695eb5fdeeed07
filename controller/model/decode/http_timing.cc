// timeouts and retry of a rule. Spec: gateway-api v1.7.0 standard CRD
// httproutes.gateway.networking.k8s.io
#include "controller/model/decode/http_route_parts.h"

namespace sluice::model {

namespace {

void check_timeouts(FieldReader& timeouts) {
  const std::optional<std::string> request = timeouts.text("request", kDuration);
  const std::optional<std::string> backend = timeouts.text("backendRequest", kDuration);
  if (!request || !backend) return;
  const std::int64_t limit = duration_ms(*request);  // 0: no limit
  if (limit != 0 && duration_ms(*backend) > limit) {
    timeouts.refuse("found backendRequest " + quote(*backend) + " and request " + quote(*request) +
                    "; backendRequest must not be longer than request");
  }
}

void check_retry(FieldReader& retry) {
  retry.integer("attempts", Need::kDefaulted, {0, INT64_MAX});
  retry.text("backoff", kDuration);
  std::vector<std::string> codes;
  for (const std::int64_t code : retry.integers("codes", {}, {400, 599})) {
    codes.push_back(std::to_string(code));
  }
  retry.refuse_repeated("codes", codes);
}

}  // namespace

void check_http_timing(FieldReader& rule, std::vector<std::string>& unsupported) {
  rule.object("timeouts", Need::kOptional, [&](FieldReader& timeouts) {
    check_timeouts(timeouts);
    unsupported.push_back(timeouts.path());
  });
  rule.object("retry", Need::kOptional, [&](FieldReader& retry) {
    check_retry(retry);
    unsupported.push_back(retry.path());
  });
}

}  // namespace sluice::model
