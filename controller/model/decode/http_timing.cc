// timeouts and retry of a rule. Spec: gateway-api v1.7.0 standard CRD
// httproutes.gateway.networking.k8s.io
#include "controller/model/decode/http_route_parts.h"

namespace sluice::model {

namespace {

std::optional<std::uint64_t> milliseconds(const std::optional<std::string>& duration) {
  if (!duration) return std::nullopt;
  return static_cast<std::uint64_t>(duration_ms(*duration));
}

RouteTimeouts read_timeouts(FieldReader& timeouts) {
  const std::optional<std::string> request = timeouts.text("request", kDuration);
  const std::optional<std::string> backend = timeouts.text("backendRequest", kDuration);
  const RouteTimeouts result{milliseconds(request), milliseconds(backend)};
  const std::uint64_t limit = result.request_ms.value_or(0);  // 0: no limit
  if (limit != 0 && result.backend_request_ms.value_or(0) > limit) {
    timeouts.refuse("found backendRequest " + quote(backend.value_or("")) + " and request " +
                    quote(request.value_or("")) +
                    "; backendRequest must not be longer than request");
  }
  return result;
}

RouteRetry read_retry(FieldReader& reader) {
  RouteRetry retry;
  const auto attempts = reader.integer("attempts", Need::kDefaulted, {0, INT64_MAX});
  if (attempts) retry.attempts = static_cast<std::uint64_t>(*attempts);
  retry.backoff_ms = milliseconds(reader.text("backoff", kDuration));
  std::vector<std::string> codes;
  for (const std::int64_t code : reader.integers("codes", {}, {400, 599})) {
    retry.codes.push_back(static_cast<std::uint16_t>(code));
    codes.push_back(std::to_string(code));
  }
  reader.refuse_repeated("codes", codes);
  return retry;
}

}  // namespace

void read_http_timing(FieldReader& reader, RouteRule& rule) {
  reader.object("timeouts", Need::kOptional,
                [&](FieldReader& timeouts) { rule.timeouts = read_timeouts(timeouts); });
  reader.object("retry", Need::kOptional,
                [&](FieldReader& retry) { rule.retry = read_retry(retry); });
}

}  // namespace sluice::model
