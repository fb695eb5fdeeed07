// Builds small worlds in the words of a test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/oracle/live_table.h"

namespace sluice::match {

class WorldBuilder {
 public:
  // A listener of gateway "ns/gw" on port 80 of every IPv4 address.
  std::uint32_t listener(const table::Host& hostname = {}) {
    table::ListenerSpec spec;
    spec.id = static_cast<std::uint32_t>(world_.listeners.size() + 1);
    spec.gateway = "ns/gw";
    spec.name = "listener-" + std::to_string(spec.id);
    spec.hostname = hostname;
    spec.port = 80;
    spec.client_port = 8080;
    spec.sockets = {{table::Family::kIpv4, 80, {}}};
    world_.listeners.push_back(spec);
    return spec.id;
  }

  table::ListenerSpec& last_listener() { return world_.listeners.back(); }

  // One rule of its own route "ns/<name>".
  void rule(std::uint32_t listener, const table::Host& hostname, const std::string& name,
            table::Rule rule) {
    auto action = std::make_shared<table::RuleAction>();
    action->route = "ns/" + name;
    rule.action = action;
    world_.contributions.push_back({listener, hostname, "HTTPRoute/ns/" + name, {rule}});
  }

  const oracle::World& world() const { return world_; }

 private:
  oracle::World world_;
};

inline table::Host exact_host(std::string name) {
  return {table::HostKind::kExact, std::move(name)};
}

inline table::Host wildcard_host(std::string name) {
  return {table::HostKind::kWildcard, std::move(name)};
}

inline table::Rule prefix(std::string path) {
  table::Rule rule;
  rule.path = path == "/" ? "" : std::move(path);
  return rule;
}

inline table::Rule exact(std::string path) {
  table::Rule rule;
  rule.path_kind = table::PathKind::kExact;
  rule.path = std::move(path);
  return rule;
}

inline table::Rule regex(std::string pattern) {
  table::Rule rule;
  rule.path_kind = table::PathKind::kRegex;
  rule.path = std::move(pattern);
  return rule;
}

inline table::Rule with(table::Rule rule, table::ConditionKind kind, std::string name,
                        std::string value) {
  rule.conditions.push_back({kind, std::move(name), std::move(value)});
  return rule;
}

inline table::Rule with_header(table::Rule rule, std::string name, std::string value) {
  return with(std::move(rule), table::ConditionKind::kHeaderExact, std::move(name),
              std::move(value));
}

inline table::Rule with_query(table::Rule rule, std::string name, std::string value) {
  return with(std::move(rule), table::ConditionKind::kQueryExact, std::move(name),
              std::move(value));
}

inline table::Rule with_method(table::Rule rule, std::uint16_t methods) {
  rule.methods = methods;
  return rule;
}

inline oracle::Request get(std::string host, std::string path) {
  oracle::Request request;
  request.group.socket = {table::Family::kIpv4, 80, {}};
  request.host = std::move(host);
  request.path = std::move(path);
  request.method = "GET";
  return request;
}

}  // namespace sluice::match
