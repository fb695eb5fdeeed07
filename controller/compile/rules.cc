#include "controller/compile/rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "controller/compile/filters.h"
#include "shared/http/method.h"
#include "shared/http/path.h"

namespace sluice::compile {
namespace {

constexpr std::uint16_t kInvalidReference = 500;
constexpr std::uint64_t kDefaultBackoffMs = 25;

std::string to_lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// The family, or none when `text` is no IP address; `bytes` are in network order, zero behind IPv4.
std::optional<table::Family> parse_address(const std::string& text, std::uint8_t (&bytes)[16]) {
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return table::Family::kIpv4;
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return table::Family::kIpv6;
  return std::nullopt;
}

// What a client's request line becomes before it is matched. A path that no request can have stays
// as it is: it matches nothing.
std::string normalised(const std::string& path) {
  std::string buffer(path.size(), '\0');
  const http::NormalisedPath result = http::normalise_path(path, buffer);
  return result.status == http::PathStatus::kChanged ? std::string(result.path) : path;
}

void set_path(const model::PathMatch& path, table::Rule& rule) {
  const bool is_regex = path.type == model::PathMatchType::kRegularExpression;
  rule.path = is_regex ? path.value : normalised(path.value);
  switch (path.type) {
    case model::PathMatchType::kExact:
      rule.path_kind = table::PathKind::kExact;
      break;
    case model::PathMatchType::kRegularExpression:
      rule.path_kind = table::PathKind::kRegex;
      break;
    case model::PathMatchType::kPathPrefix:
      rule.path_kind = table::PathKind::kPrefix;
      // "/foo/" and "/foo" match the same paths.
      while (rule.path.ends_with('/'))
        rule.path.pop_back();
      break;
  }
}

// Spec: "If multiple entries specify equivalent names, only the first entry ... MUST be
// considered".
void add_condition(table::ConditionKind exact, table::ConditionKind regex, std::string name,
                   const model::NameMatch& match, std::vector<table::RuleCondition>& conditions) {
  const bool repeated =
      std::any_of(conditions.begin(), conditions.end(), [&](const table::RuleCondition& condition) {
        return (condition.kind == exact || condition.kind == regex) && condition.name == name;
      });
  if (repeated) return;
  conditions.push_back({match.regex ? regex : exact, std::move(name), match.value});
}

table::Rule to_rule(const model::HttpRouteMatch& match) {
  using enum table::ConditionKind;
  table::Rule rule;
  set_path(match.path, rule);
  if (match.method) rule.methods = http::method_bit(*match.method);
  for (const model::NameMatch& header : match.headers) {
    add_condition(kHeaderExact, kHeaderRegex, to_lower(header.name), header, rule.conditions);
  }
  for (const model::NameMatch& query : match.query_params) {
    add_condition(kQueryExact, kQueryRegex, query.name, query, rule.conditions);
  }
  return rule;
}

std::uint32_t to_uint32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

// A limit of so many days that it has no number is none.
std::uint32_t to_limit(const std::optional<std::uint64_t>& milliseconds) {
  if (!milliseconds) return 0;
  return *milliseconds == 0 ? table::kNoDeadline : to_uint32(*milliseconds);
}

std::optional<table::RetryRule> to_retry(const std::optional<model::RouteRetry>& retry) {
  if (!retry) return std::nullopt;
  table::RetryRule rule;
  rule.attempts = to_uint32(retry->attempts);
  rule.backoff_ms = to_uint32(retry->backoff_ms.value_or(kDefaultBackoffMs));
  rule.statuses = retry->codes;
  std::sort(rule.statuses.begin(), rule.statuses.end());
  return rule;
}

table::RouteKind to_route_kind(model::Kind kind) {
  switch (kind) {
    case model::Kind::kGrpcRoute:
      return table::RouteKind::kGrpcRoute;
    case model::Kind::kTlsRoute:
      return table::RouteKind::kTlsRoute;
    case model::Kind::kTcpRoute:
      return table::RouteKind::kTcpRoute;
    case model::Kind::kUdpRoute:
      return table::RouteKind::kUdpRoute;
    default:
      return table::RouteKind::kHttpRoute;
  }
}

std::shared_ptr<const table::RuleAction> to_action(const resolve::ServedRoute& route,
                                                   std::size_t index) {
  const resolve::ResolvedRule& rule = route.rules[index];
  auto action = std::make_shared<table::RuleAction>();
  action->route_kind = to_route_kind(route.key.kind);
  action->route = route.key.name.text();
  action->rule = static_cast<std::uint16_t>(index);
  action->rule_name = rule.name;
  action->filters = to_filters(rule.filters);
  action->request_timeout_ms = to_limit(rule.timeouts.request_ms);
  action->backend_request_timeout_ms = to_limit(rule.timeouts.backend_request_ms);
  action->retry = to_retry(rule.retry);
  for (const resolve::ResolvedBackendRef& backend : rule.backends) {
    table::Share& share = action->shares.emplace_back();
    share.backend = backend.backend;
    share.name = backend.name;
    share.weight = backend.weight;
    share.protocol = to_protocol(backend.protocol);
    share.filters = to_filters(backend.filters);
    if (backend.backend.empty()) share.status = kInvalidReference;
  }
  return action;
}

}  // namespace

table::Host to_host(std::string_view hostname) {
  if (hostname.empty()) return {};
  if (hostname.starts_with("*.")) {
    return {table::HostKind::kWildcard, std::string(hostname.substr(2))};
  }
  return {table::HostKind::kExact, std::string(hostname)};
}

std::vector<table::Rule> to_rules(const resolve::ServedRoute& route) {
  std::vector<table::Rule> rules;
  for (std::size_t index = 0; index < route.rules.size(); ++index) {
    const std::shared_ptr<const table::RuleAction> action = to_action(route, index);
    std::uint16_t match = 0;
    for (const model::HttpRouteMatch& written : route.rules[index].matches) {
      table::Rule rule = to_rule(written);
      rule.created = route.created.value_or(table::kNoTimestamp);
      rule.match = match++;
      rule.action = action;
      rules.push_back(std::move(rule));
    }
  }
  return rules;
}

std::optional<table::SocketKey> to_socket_key(const resolve::Socket& socket) {
  table::SocketKey key;
  key.port = socket.port;
  if (socket.transport == resolve::Transport::kUdp) key.transport = table::Transport::kUdp;
  const std::optional<table::Family> family = parse_address(socket.address, key.address);
  if (!family) return std::nullopt;
  key.family = *family;
  return key;
}

std::optional<table::BackendTlsRule> to_backend_tls(const resolve::ServedBackend& backend) {
  if (!backend.tls) return std::nullopt;
  table::BackendTlsRule rule;
  rule.usable = backend.tls->usable;
  rule.system_certificates = backend.tls->system_certificates;
  rule.hostname = backend.tls->hostname;
  for (const model::PolicySubjectAltName& name : backend.tls->subject_alt_names) {
    const auto kind = name.is_uri ? table::PartKind::kUri : table::PartKind::kDnsName;
    rule.subject_alt_names.push_back({kind, name.value});
  }
  rule.ca_certificates = backend.tls->ca_certificates;
  return rule;
}

std::optional<table::EndpointAddress> to_endpoint(const resolve::BackendAddress& address) {
  table::EndpointAddress endpoint;
  if (address.unix_path) {
    endpoint.family = table::Family::kUnix;
    endpoint.path = address.address;
    return endpoint;
  }
  std::uint8_t bytes[16] = {};
  const std::optional<table::Family> family = parse_address(address.address, bytes);
  if (!family) return std::nullopt;
  endpoint.family = *family;
  endpoint.port = address.port;
  std::copy(std::begin(bytes), std::end(bytes), endpoint.address.begin());
  return endpoint;
}

}  // namespace sluice::compile
