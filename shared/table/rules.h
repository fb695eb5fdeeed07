// Rules as values: what the Editor is told and the oracle reads. No offsets, no arena.
//
// Process: controller and tests.   Spec: gateway-api v1 HTTPRouteRule.matches (precedence)
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/table/filters.h"
#include "shared/table/format.h"

namespace sluice::table {

// A hostname as listeners and routes say it. name: lower case, without "*."; empty for kAny.
struct Host {
  HostKind kind = HostKind::kAny;
  std::string name;
  auto operator<=>(const Host&) const = default;
};

// Smaller is better: Exact beats a regular expression beats a prefix.
enum class PathKind : std::uint8_t { kExact = 0, kRegex = 1, kPrefix = 2 };

struct RuleCondition {
  ConditionKind kind = ConditionKind::kHeaderExact;
  std::string name;   // headers: lower case
  std::string value;  // or the pattern
  auto operator<=>(const RuleCondition&) const = default;
};

struct Share {
  BackendId backend;  // empty when the reference is invalid
  std::string name;   // "namespace/name:port", for $sluice_backend
  std::uint32_t weight = 1;
  std::uint16_t status = 0;  // 0 or 500
  BackendProtocol protocol = BackendProtocol::kHttp1;
  std::vector<FilterValue> filters = {};
  bool operator==(const Share&) const = default;
};

struct RetryRule {
  std::uint32_t attempts = 1;
  std::uint32_t backoff_ms = 0;
  std::vector<std::uint16_t> statuses;  // of 400 to 599
  bool operator==(const RetryRule&) const = default;
};

struct RuleAction {
  RouteKind route_kind = RouteKind::kHttpRoute;
  std::string route;  // "namespace/name"
  std::uint16_t rule = 0;
  std::string rule_name;
  std::vector<Share> shares;
  std::vector<FilterValue> filters = {};
  std::uint32_t request_timeout_ms = 0;  // 0: not given; "0s" is kNoDeadline
  std::uint32_t backend_request_timeout_ms = 0;
  std::optional<RetryRule> retry;
  bool operator==(const RuleAction&) const = default;
};

// creationTimestamp in seconds; an object without one counts as newest, and two without one as
// equal.
inline constexpr std::int64_t kNoTimestamp = std::numeric_limits<std::int64_t>::max();

// One match of one rule on one hostname.
struct Rule {
  PathKind path_kind = PathKind::kPrefix;
  std::string path;  // kPrefix: without trailing '/', "" for "/"
  std::uint16_t methods = 0;
  std::vector<RuleCondition>
      conditions;  // headers first, then query parameters; no name twice within a kind
  std::int64_t created = kNoTimestamp;
  std::uint16_t match = 0;  // index in the rule
  std::shared_ptr<const RuleAction> action;
};

}  // namespace sluice::table
