#include "test/bench/bench_world.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "shared/http/header.h"
#include "shared/http/method.h"
#include "shared/http/query.h"
#include "shared/table/precedence.h"
#include "test/oracle/random_world.h"

namespace sluice::bench {

namespace {

using oracle::Random;
using oracle::Request;
using oracle::World;
using table::ConditionKind;
using table::Host;
using table::HostKind;
using table::PathKind;
using table::Rule;

constexpr std::uint32_t kRulesPerRoute = 8;
constexpr std::uint64_t kWorldSeed = 42;
constexpr std::uint64_t kRequestSeed = 99;

const std::vector<std::string> kWords = {
    "api",     "v1",       "v2",        "orders",  "users",   "cart",     "checkout", "payments",
    "catalog", "auth",     "login",     "session", "admin",   "metrics",  "reports",  "images",
    "static",  "assets",   "events",    "search",  "graphql", "billing",  "invoices", "products",
    "reviews", "shipping", "tracking",  "profile", "public",  "settings", "internal", "stream",
    "upload",  "download", "inventory", "health",  "status",  "webhooks"};
constexpr std::array<const char*, 4> kMethods = {"GET", "HEAD", "POST", "PUT"};
const std::vector<std::pair<std::string, std::string>> kUsualHeaders = {
    {"Host", "x"},
    {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"},
    {"Accept", "*/*"},
    {"Accept-Encoding", "gzip, deflate, br"},
    {"Accept-Language", "en-US,en;q=0.9"},
    {"Cookie", "sid=abcdef0123456789; theme=dark"},
    {"X-Request-Id", "3f2b8c1e-1111-2222-3333-444455556666"},
    {"X-Forwarded-For", "10.1.2.3"},
    {"X-Forwarded-Proto", "https"},
    {"Authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.xxxxxxxx"},
    {"Content-Type", "application/json"},
    {"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};

Host host_number(std::uint32_t number, std::uint32_t hosts) {
  if (hosts >= 10 && number % 20 == 19) {
    return {HostKind::kWildcard, "w" + std::to_string(number) + ".wild.example.net"};
  }
  return {HostKind::kExact, kWords[number % kWords.size()] + "-" + std::to_string(number) +
                                ".team" + std::to_string(number % 50) + ".example.com"};
}

void add_conditions(Random& random, Rule& rule) {
  if (random.percent(50)) rule.methods = static_cast<std::uint16_t>(1U << random.below(4));
  if (random.percent(60)) {
    rule.conditions.push_back({ConditionKind::kHeaderExact,
                               random.percent(50) ? "x-version" : "x-canary",
                               random.percent(50) ? "v2" : "true"});
  }
  if (random.percent(20)) {
    rule.conditions.push_back(
        {ConditionKind::kHeaderExact, "x-tenant", "t" + std::to_string(random.below(100))});
  }
  if (random.percent(20)) rule.conditions.push_back({ConditionKind::kQueryExact, "debug", "1"});
}

Rule service_rule(Random& random, std::uint32_t rules_per_host) {
  Rule rule;
  if (random.percent(60)) rule.path = "/api/v" + std::to_string(1 + random.below(3));
  for (std::uint32_t depth = 1 + random.below(3); depth > 0; --depth) {
    rule.path += "/" + random.pick(kWords);
    if (depth == 1 && rules_per_host > 50) {
      rule.path += "-" + std::to_string(random.below(rules_per_host));
    }
  }
  if (random.percent(20)) {
    rule.path_kind = PathKind::kExact;
    if (random.percent(5)) rule.path += "/";
  }
  if (random.percent(12)) add_conditions(random, rule);
  return rule;
}

Rule make_rule(Random& random, const Size& size, std::uint32_t number) {
  Rule rule;
  switch (size.shape) {
    case Shape::kServices:
      // The first rule of every host is its catch-all.
      if (number >= size.hosts) rule = service_rule(random, size.rules / size.hosts);
      break;
    case Shape::kOneHost:
      rule.path = "/" + random.pick(kWords) + "/tenant-" + std::to_string(number) + "/" +
                  random.pick(kWords);
      break;
    case Shape::kHeadersOnly:
      rule.conditions.push_back(
          {ConditionKind::kHeaderExact, "x-tenant", "tenant-" + std::to_string(number)});
      break;
  }
  return rule;
}

// Rules of one host, in routes of kRulesPerRoute.
void add_to_routes(Random& random, std::vector<Rule> rules, const Host& host, std::uint32_t& routes,
                   World& world) {
  for (std::size_t first = 0; first < rules.size(); first += kRulesPerRoute) {
    const std::string name =
        "team-" + std::to_string(routes % 200) + "/route-" + std::to_string(routes);
    ++routes;
    oracle::Contribution contribution{1, host, "HTTPRoute/" + name, {}};
    const std::int64_t created = random.below(1000);
    for (std::size_t i = first; i < std::min(rules.size(), first + kRulesPerRoute); ++i) {
      auto action = std::make_shared<table::RuleAction>();
      action->route = name;
      action->rule = static_cast<std::uint16_t>(i - first);
      action->shares.push_back({"Service/default/echo:80", "default/echo:80"});
      rules[i].action = action;
      rules[i].created = created;
      contribution.rules.push_back(std::move(rules[i]));
    }
    world.contributions.push_back(std::move(contribution));
  }
}

std::string request_path(Random& random, const Rule& rule) {
  std::string path = rule.path;
  const std::uint32_t chance = random.below(100);
  if (rule.path_kind == PathKind::kPrefix && chance < 75) {
    for (std::uint32_t i = 1 + random.below(3); i > 0; --i)
      path += "/" + random.pick(kWords);
  } else if (chance >= 90) {
    path += "/zzz";
  }
  if (random.percent(3)) path += "x";
  if (path.empty() || path[0] != '/') path = "/" + path;
  return path;
}

bool path_fits(const Rule& rule, std::string_view path) {
  if (rule.path_kind == PathKind::kExact) return path == rule.path;
  return path.starts_with(rule.path) &&
         (path.size() == rule.path.size() || path[rule.path.size()] == '/');
}

}  // namespace

World make_world(const Size& size) {
  Random random(kWorldSeed);
  World world;
  table::ListenerSpec listener;
  listener.id = 1;
  listener.gateway = "bench/gateway";
  listener.port = 80;
  listener.sockets = {{table::Family::kIpv4, 80, {}}};
  world.listeners.push_back(listener);
  const std::uint32_t hosts = size.shape == Shape::kServices ? size.hosts : 1;
  std::vector<std::vector<Rule>> by_host(hosts);
  for (std::uint32_t number = 0; number < size.rules; ++number) {
    const std::uint32_t host = number < hosts ? number : random.below(hosts);
    by_host[host].push_back(make_rule(random, size, number));
  }
  std::uint32_t routes = 0;
  for (std::uint32_t host = 0; host < hosts; ++host) {
    add_to_routes(random, std::move(by_host[host]), host_number(host, hosts), routes, world);
  }
  return world;
}

std::vector<Request> make_requests(const World& world, std::uint32_t count) {
  Random random(kRequestSeed);
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < count; ++i) {
    const oracle::Contribution& contribution = random.pick(world.contributions);
    const Rule& rule = random.pick(contribution.rules);
    Request request;
    request.group.socket = {table::Family::kIpv4, 80, {}};
    request.host = contribution.hostname.name;
    if (contribution.hostname.kind == HostKind::kWildcard) {
      request.host = "a" + std::to_string(random.below(9)) + "." + request.host;
    }
    request.path = request_path(random, rule);
    request.method = kMethods[random.below(4)];
    request.headers = kUsualHeaders;
    for (const table::RuleCondition& condition : rule.conditions) {
      if (!random.percent(70)) continue;
      if (table::is_header(condition)) {
        request.headers.emplace_back(condition.name, condition.value);
      } else {
        request.query = "a=1&" + condition.name + "=" + condition.value;
      }
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

LinearScan::LinearScan(const World& world) {
  for (const oracle::Contribution& contribution : world.contributions) {
    const Host& host = contribution.hostname;
    auto& hosts = host.kind == HostKind::kWildcard ? wildcard_ : exact_;
    for (const Rule& rule : contribution.rules) {
      Candidate candidate{&rule, {}};
      for (const table::RuleCondition& condition : rule.conditions) {
        candidate.name_hashes.push_back(http::header_name_hash(condition.name));
      }
      hosts[host.name].push_back(std::move(candidate));
    }
  }
  for (auto* hosts : {&exact_, &wildcard_}) {
    for (auto& [name, candidates] : *hosts) {
      std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        if (a.rule->path_kind != b.rule->path_kind) return a.rule->path_kind < b.rule->path_kind;
        if (a.rule->path.size() != b.rule->path.size()) {
          return a.rule->path.size() > b.rule->path.size();
        }
        return table::precedes(*a.rule, *b.rule);
      });
    }
  }
}

bool LinearScan::fits(const Candidate& candidate, const match::RequestView& request) {
  const Rule& rule = *candidate.rule;
  if (!path_fits(rule, request.path)) return false;
  if (rule.methods != 0 && (rule.methods & request.method) == 0) return false;
  for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
    const table::RuleCondition& condition = rule.conditions[i];
    if (table::is_header(condition)) {
      const auto field = std::ranges::find_if(request.headers, [&](const match::HeaderView& view) {
        return view.name_hash == candidate.name_hashes[i] &&
               http::same_header_name(view.name, condition.name);
      });
      if (field == request.headers.end() || field->value != condition.value) return false;
    } else {
      http::QueryParameters parameters;
      parameters.parse(request.query);
      const http::QueryParameter* parameter = parameters.find(condition.name);
      if (parameter == nullptr || !http::decodes_to(parameter->value, condition.value)) {
        return false;
      }
    }
  }
  return true;
}

const Rule* LinearScan::find(const match::RequestView& request) const {
  const Candidates* candidates = nullptr;
  if (const auto exact = exact_.find(request.host); exact != exact_.end()) {
    candidates = &exact->second;
  }
  for (std::size_t dot = request.host.find('.');
       candidates == nullptr && dot != std::string_view::npos;
       dot = request.host.find('.', dot + 1)) {
    const auto wildcard = wildcard_.find(request.host.substr(dot + 1));
    if (wildcard != wildcard_.end()) candidates = &wildcard->second;
  }
  if (candidates == nullptr) return nullptr;
  for (const Candidate& candidate : *candidates) {
    if (fits(candidate, request)) return candidate.rule;
  }
  return nullptr;
}

}  // namespace sluice::bench
