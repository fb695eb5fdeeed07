// The matcher equals the oracle on every pair of rules over tiny alphabets, and on every way to
// attach two rules to every set of listeners. Each world is a Gateway of its own, so that one table
// holds thousands of them.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "test/oracle/live_table.h"
#include "test/oracle/oracle.h"

namespace sluice::oracle {
namespace {

using table::ConditionKind;
using table::Host;
using table::HostKind;
using table::PathKind;
using table::Rule;

const std::vector<Host> kHosts = {{HostKind::kAny, ""},
                                  {HostKind::kWildcard, "x"},
                                  {HostKind::kWildcard, "a.x"},
                                  {HostKind::kExact, "a.x"}};
const std::vector<std::string> kRequestHosts = {"x", "a.x", "b.x", "b.a.x", "ba.x", ""};

// Every path, with every choice of method and conditions.
std::vector<Rule> rule_alphabet() {
  const std::vector<std::pair<PathKind, std::string>> paths = {
      {PathKind::kExact, "/a"},   {PathKind::kExact, "/a/"},   {PathKind::kPrefix, ""},
      {PathKind::kPrefix, "/a"},  {PathKind::kPrefix, "/a/b"}, {PathKind::kRegex, "/a.*"},
      {PathKind::kRegex, "/a/?"},
  };
  std::vector<Rule> rules;
  for (const auto& [kind, path] : paths) {
    for (int choice = 0; choice < 6; ++choice) {
      Rule rule;
      rule.path_kind = kind;
      rule.path = path;
      if (choice == 1 || choice == 4) rule.methods = table::kGet;
      if (choice >= 2 && choice != 3) {
        rule.conditions.push_back({ConditionKind::kHeaderExact, "h", "1"});
      }
      if (choice == 3 || choice == 5) {
        rule.conditions.push_back({ConditionKind::kQueryExact, "q", "1"});
      }
      rules.push_back(rule);
    }
  }
  return rules;
}

std::vector<Request> all_requests(const std::vector<std::string>& paths) {
  std::vector<Request> requests;
  for (const std::string& host : kRequestHosts) {
    for (const std::string& path : paths) {
      for (const char* method : {"GET", "POST"}) {
        for (int facts = 0; facts < 4; ++facts) {
          Request request;
          request.group.named = true;
          request.host = host;
          request.path = path;
          request.method = method;
          if ((facts & 1) != 0) request.headers = {{"H", "1"}};
          if ((facts & 2) != 0) request.query = "q=1";
          requests.push_back(request);
        }
      }
    }
  }
  return requests;
}

class MatchExhaustiveTest : public ::testing::Test {
 protected:
  std::uint32_t add_listener(const std::string& gateway, const Host& hostname) {
    table::ListenerSpec listener;
    listener.id = next_listener_++;
    listener.gateway = gateway;
    listener.name = "l";
    listener.hostname = hostname;
    listener.port = 80;
    world_.listeners.push_back(listener);
    return listener.id;
  }

  // Two rules of two routes; the first one is the older when `aged`.
  void add_rules(std::uint32_t listener, const Host& hostname, Rule rule, int number, bool aged) {
    auto action = std::make_shared<table::RuleAction>();
    action->route = number == 0 ? "ns/b" : "ns/a";
    rule.action = action;
    if (aged) rule.created = number;
    world_.contributions.push_back({listener, hostname, "HTTPRoute/" + action->route, {rule}});
  }

  void compare_all(const std::vector<std::string>& gateways, std::vector<Request> requests) {
    const Oracle oracle(world_);
    LiveTable table;
    table.put(world_);
    table.warm();
    std::uint64_t asked = 0;
    int mismatches = 0;
    for (const std::string& gateway : gateways) {
      for (Request& request : requests) {
        request.group.gateway = gateway;
        const Answer expected = oracle.find(request);
        const Answer found = table.find(request);
        ++asked;
        if (found == expected || ++mismatches > 10) continue;
        ADD_FAILURE() << describe(request) << "\n  oracle: " << describe(expected)
                      << "\n  table:  " << describe(found);
      }
    }
    EXPECT_EQ(mismatches, 0);
    std::printf("%zu worlds, %llu requests, %d mismatches\n", gateways.size(),
                static_cast<unsigned long long>(asked), mismatches);
  }

  World world_;
  std::uint32_t next_listener_ = 1;
};

TEST_F(MatchExhaustiveTest, EveryPairOfRulesOnOneHostname) {
  const std::vector<Rule> rules = rule_alphabet();
  std::vector<std::string> gateways;
  for (const Rule& first : rules) {
    for (const Rule& second : rules) {
      for (const bool aged : {false, true}) {
        gateways.push_back("ns/pair-" + std::to_string(gateways.size()));
        const std::uint32_t listener = add_listener(gateways.back(), {});
        add_rules(listener, kHosts[1], first, 0, aged);
        add_rules(listener, kHosts[1], second, 1, aged);
      }
    }
  }
  std::vector<Request> requests = all_requests({"/", "/a", "/a/", "/ab", "/a/b", "/a/b/c"});
  std::erase_if(requests, [](const Request& request) { return request.host != "a.x"; });
  compare_all(gateways, requests);
}

TEST_F(MatchExhaustiveTest, EveryPairOfRulesOnEveryPairOfHostnames) {
  std::vector<Rule> rules = rule_alphabet();
  std::erase_if(rules, [](const Rule& rule) { return rule.conditions.size() > 1; });
  std::vector<std::string> gateways;
  for (const Host& first_host : kHosts) {
    for (const Host& second_host : kHosts) {
      for (std::size_t first = 0; first < rules.size(); first += 2) {
        for (std::size_t second = 1; second < rules.size(); second += 2) {
          gateways.push_back("ns/hosts-" + std::to_string(gateways.size()));
          const std::uint32_t listener = add_listener(gateways.back(), {});
          add_rules(listener, first_host, rules[first], 0, true);
          add_rules(listener, second_host, rules[second], 1, true);
        }
      }
    }
  }
  compare_all(gateways, all_requests({"/", "/a", "/a/b"}));
}

TEST_F(MatchExhaustiveTest, EverySetOfListenersIsolatesItsRules) {
  std::vector<std::string> gateways;
  Rule prefix_a;
  prefix_a.path = "/a";
  for (unsigned subset = 1; subset < 1U << kHosts.size(); ++subset) {
    for (std::size_t choice = 0; choice < 256; ++choice) {
      gateways.push_back("ns/set-" + std::to_string(gateways.size()));
      std::vector<std::uint32_t> ids;
      for (std::size_t i = 0; i < kHosts.size(); ++i) {
        if ((subset >> i & 1) != 0) ids.push_back(add_listener(gateways.back(), kHosts[i]));
      }
      add_rules(ids[(choice & 3) % ids.size()], kHosts[choice >> 2 & 3], prefix_a, 0, true);
      add_rules(ids[(choice >> 4 & 3) % ids.size()], kHosts[choice >> 6], Rule{}, 1, true);
    }
  }
  std::vector<Request> requests = all_requests({"/", "/a"});
  std::erase_if(requests, [](const Request& request) {
    return request.method != "GET" || !request.headers.empty() || !request.query.empty();
  });
  compare_all(gateways, requests);
}

}  // namespace
}  // namespace sluice::oracle
