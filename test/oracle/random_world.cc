#include "test/oracle/random_world.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>

namespace sluice::oracle {

namespace {

using table::ConditionKind;
using table::Family;
using table::Host;
using table::HostKind;
using table::ListenerSpec;
using table::PathKind;
using table::Rule;
using table::RuleCondition;
using table::SocketKey;
using Strings = std::vector<std::string>;

const std::vector<Host> kHosts = {
    {HostKind::kAny, ""},           {HostKind::kWildcard, "com"},
    {HostKind::kWildcard, "x.com"}, {HostKind::kWildcard, "a.x.com"},
    {HostKind::kWildcard, "y.com"}, {HostKind::kExact, "x.com"},
    {HostKind::kExact, "a.x.com"},  {HostKind::kExact, "b.a.x.com"},
    {HostKind::kExact, "y.com"},    {HostKind::kExact, "com"},
};
const Strings kRequestHosts = {"x.com",     "a.x.com", "b.a.x.com", "c.b.a.x.com",
                               "b.x.com",   "y.com",   "z.y.com",   "com",
                               "other.org", "xx.com",  "",          "10.0.0.1"};
const Strings kSegments = {
    "/a", "/b", "/ab", "/", "/api", "/a%2Fb", "/long-segment-of-twenty-bytes"};
const Strings kPatterns = {"/a.*",   "/[ab]+",      "/a/b", "/(a|b)/(a|ab)?", ".*",
                           "/.*/ab", "/api/[a-z]+", "/a/?", "/[^/]+/[^/]+",   "/ab|/b",
                           "/.{3}",  "/b(/.*)?",    "",     "/a+b*/?.*"};
const Strings kHeaders = {"x-a", "x-b", "x-tenant", "aa", "bb"};
const Strings kQueries = {"q", "r s", "debug"};
const Strings kRegexValues = {"[12]", "v.*", ".*,.*", "", "[^1]+"};
const std::array<const char*, 4> kMethods = {"GET", "POST", "PATCH", "PROPFIND"};
constexpr std::array<table::ListenerMode, 3> kRelayModes = {table::ListenerMode::kTlsPassthrough,
                                                            table::ListenerMode::kTlsTerminate,
                                                            table::ListenerMode::kTcp};
constexpr std::array<std::uint16_t, 4> kMethodBits = {table::kGet, table::kPost, table::kPatch,
                                                      table::kGet | table::kHead};

// Ports 80 to 82; of each the unspecified addresses and one IPv4 address of its own.
std::vector<SocketKey> sockets_of_port(std::uint16_t port) {
  SocketKey any4{Family::kIpv4, port, {}};
  SocketKey any6{Family::kIpv6, port, {}};
  SocketKey one4{Family::kIpv4, port, {10, 0, 0, 1}};
  return {any4, any6, one4};
}

std::string random_path(Random& random, std::uint32_t most) {
  std::string path;
  for (std::uint32_t i = random.below(most + 1); i > 0; --i)
    path += random.pick(kSegments);
  return path;
}

std::string header_value(Random& random, const WorldShape& shape) {
  return "v" + std::to_string(random.below(shape.header_values));
}

void add_condition(Random& random, const WorldShape& shape, bool header,
                   std::vector<RuleCondition>& conditions) {
  RuleCondition condition;
  condition.name = random.pick(header ? kHeaders : kQueries);
  const bool known = std::ranges::any_of(conditions, [&](const RuleCondition& other) {
    const bool other_header = other.kind <= ConditionKind::kHeaderRegex;
    return other_header == header && other.name == condition.name;
  });
  if (known) return;
  const bool regex = random.percent(shape.regex_percent);
  condition.value = regex ? random.pick(kRegexValues) : header_value(random, shape);
  if (header) {
    condition.kind = regex ? ConditionKind::kHeaderRegex : ConditionKind::kHeaderExact;
  } else {
    condition.kind = regex ? ConditionKind::kQueryRegex : ConditionKind::kQueryExact;
  }
  conditions.push_back(condition);
}

Rule random_match(Random& random, const WorldShape& shape) {
  Rule rule;
  if (shape.relays) return rule;
  if (random.percent(shape.regex_percent)) {
    rule.path_kind = PathKind::kRegex;
    rule.path = random.pick(kPatterns);
  } else if (random.percent(35)) {
    rule.path_kind = PathKind::kExact;
    rule.path = random_path(random, 4);
    if (rule.path.empty() || random.percent(20)) rule.path += "/";
  } else {
    rule.path = random_path(random, 4);
    while (rule.path.ends_with('/'))
      rule.path.pop_back();
  }
  if (random.percent(shape.condition_percent)) {
    if (random.percent(50)) rule.methods = random.pick(kMethodBits);
    for (std::uint32_t i = random.below(3); i > 0; --i) {
      add_condition(random, shape, true, rule.conditions);
    }
    for (std::uint32_t i = random.below(3); i > 1; --i) {
      add_condition(random, shape, false, rule.conditions);
    }
  }
  return rule;
}

std::vector<table::FilterValue> random_filters(Random& random) {
  std::vector<table::FilterValue> filters;
  if (random.percent(15)) {
    filters.emplace_back(table::RequestHeaderModifier{
        {{table::PartKind::kSetHeader, "x", std::string(random.below(40), 'v')},
         {table::PartKind::kRemoveHeader, "y", ""}}});
  }
  if (random.percent(10)) {
    table::RequestMirror mirror;
    mirror.backend = "Service/default/copy:80";
    mirror.name = "default/copy:80";
    mirror.numerator = random.below(101);
    filters.emplace_back(mirror);
  }
  if (random.percent(10)) {
    filters.emplace_back(table::UrlRewrite{"a.b", table::PathEdit::kPrefix, "/c"});
  }
  return filters;
}

std::shared_ptr<const table::RuleAction> random_action(Random& random, const std::string& name,
                                                       std::uint16_t index) {
  auto action = std::make_shared<table::RuleAction>();
  action->route = name;
  action->rule = index;
  action->shares.push_back({"Service/default/echo:80", "default/echo:80"});
  action->shares.back().filters = random_filters(random);
  action->filters = random_filters(random);
  if (random.percent(20)) action->request_timeout_ms = random.below(3) * 1000;
  if (random.percent(10)) action->retry = table::RetryRule{random.below(3), 25, {500, 503}};
  return action;
}

std::vector<Rule> random_rules(Random& random, const WorldShape& shape, const std::string& name) {
  // Few timestamps and many routes: ties down to the name.
  const std::int64_t created = random.percent(20) ? table::kNoTimestamp : random.below(3);
  std::vector<Rule> rules;
  const auto count = static_cast<std::uint16_t>(1 + random.below(4));
  for (std::uint16_t index = 0; index < count; ++index) {
    const auto action = random_action(random, name, index);
    const auto matches = static_cast<std::uint16_t>(1 + random.below(3));
    for (std::uint16_t match = 0; match < matches; ++match) {
      Rule rule = random_match(random, shape);
      rule.created = created;
      rule.match = match;
      rule.action = action;
      rules.push_back(rule);
    }
  }
  return rules;
}

void add_options(Random& random, ListenerSpec& listener) {
  if (random.percent(30)) {
    listener.client_certificate =
        table::CertificateSpec{"ns/client", {random.below(100), 1}, random.below(100), 500};
  }
  if (!random.percent(50)) return;
  for (std::uint32_t i = random.below(4); i > 0; --i) {
    const http::IpAddress address{.bytes = {10, static_cast<std::uint8_t>(i)}};
    listener.options.trusted_proxies.push_back({address, 16});
  }
  listener.options.max_body_bytes = random.below(1000);
  listener.options.max_header_bytes = random.below(1000);
}

// Hostnames are different within a port: the controller keeps conflicting listeners out.
std::vector<ListenerSpec> random_listeners(Random& random, const WorldShape& shape) {
  std::vector<ListenerSpec> listeners;
  std::set<std::pair<std::uint16_t, Host>> taken;
  for (std::uint32_t i = 1; i <= shape.listeners; ++i) {
    ListenerSpec listener;
    listener.id = i;
    listener.name = "listener-" + std::to_string(i);
    listener.gateway = "ns/gateway-" + std::to_string(random.below(3));
    listener.port = static_cast<std::uint16_t>(80 + random.below(3));
    listener.client_port = listener.port;
    if (shape.relays) listener.mode = random.pick(kRelayModes);
    listener.hostname = random.percent(60) ? Host{} : random.pick(kHosts);
    if (!taken.insert({listener.port, listener.hostname}).second) continue;
    for (const SocketKey& socket : sockets_of_port(listener.port)) {
      if (random.percent(75)) listener.sockets.push_back(socket);
    }
    add_options(random, listener);
    listeners.push_back(listener);
  }
  return listeners;
}

}  // namespace

World random_world(Random& random, const WorldShape& shape) {
  World world;
  world.listeners = random_listeners(random, shape);
  for (std::uint32_t i = 0; i < shape.routes; ++i) {
    // "a/b-c" and "a-b/c": alphabetical order is that of the whole text.
    const std::string name = (random.percent(50) ? "ns/route-" : "ns-b/r-") + std::to_string(i);
    const std::vector<Rule> rules = random_rules(random, shape, name);
    std::set<Host> hostnames;
    for (std::uint32_t h = 1 + random.below(2); h > 0; --h)
      hostnames.insert(random.pick(kHosts));
    for (const ListenerSpec& listener : world.listeners) {
      if (random.percent(35)) continue;
      for (const Host& hostname : hostnames) {
        world.contributions.push_back({listener.id, hostname, "HTTPRoute/" + name, rules});
      }
    }
  }
  return world;
}

Request random_request(Random& random, const World& world, const WorldShape& shape) {
  Request request;
  const auto port = static_cast<std::uint16_t>(80 + random.below(3));
  if (random.percent(25) && !world.listeners.empty()) {
    request.group.named = true;
    request.group.gateway = random.pick(world.listeners).gateway;
    request.group.port = random.percent(50) ? port : std::uint16_t{0};
  } else {
    std::vector<SocketKey> sockets = sockets_of_port(port);
    sockets.push_back({Family::kIpv4, port, {10, 0, 0, 2}});
    request.group.socket = random.pick(sockets);
  }
  request.host = random.pick(kRequestHosts);
  request.path = random_path(random, 5);
  if (request.path.empty() || random.percent(10)) request.path += "/";
  if (random.percent(3)) request.path += "x";
  request.method = random.pick(kMethods);
  for (std::uint32_t i = random.below(5); i > 0; --i) {
    std::string name = random.pick(kHeaders);
    if (random.percent(30)) name[0] = static_cast<char>(name[0] - ('a' - 'A'));
    request.headers.emplace_back(name, header_value(random, shape));
  }
  for (std::uint32_t i = random.below(4); i > 0; --i) {
    std::string name = random.pick(kQueries);
    std::replace(name.begin(), name.end(), ' ', '+');
    request.query += (request.query.empty() ? "" : "&") + name;
    if (random.percent(85)) request.query += "=" + header_value(random, shape);
    if (random.percent(10)) request.query += "%31";
  }
  return request;
}

}  // namespace sluice::oracle
