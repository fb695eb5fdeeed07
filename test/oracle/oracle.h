// A slow, literal reading of the specification, to compare the table with.
//
// It shares no code with the matcher: it splits hostnames into labels and paths into segments,
// sorts every candidate of a listener by the specification's order and takes the first that fits.
// Spec: gateway-api v1 HTTPRouteRule.matches, HTTPRoute.hostnames, Listener.hostname (v1.7.0)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/match/matcher.h"
#include "shared/table/editor.h"
#include "shared/table/rules.h"

namespace sluice::oracle {

// What one route contributes to a listener under one of its hostnames.
struct Contribution {
  std::uint32_t listener = 0;
  table::Host hostname;
  std::string route;  // "kind/namespace/name"
  std::vector<table::Rule> rules;
};

struct World {
  std::vector<table::ListenerSpec> listeners;
  std::vector<Contribution> contributions;
};

struct Request {
  match::GroupKey group;
  std::string host;    // as shared/http/host.h normalises it
  std::string path;    // as shared/http/path.h normalises it
  std::string query;   // raw
  std::string method;  // "GET"
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Answer {
  match::Outcome outcome = match::Outcome::kNoGroup;
  std::uint32_t listener = 0;  // from kNoRule on
  table::Host hostname;        // the rest: when matched
  std::string route;           // "namespace/name"
  std::uint16_t rule = 0;
  std::uint16_t match = 0;
  bool operator==(const Answer&) const = default;
};

std::string describe(const Answer& answer);
std::string describe(const Request& request);

class Oracle {
 public:
  // Borrows the world.
  explicit Oracle(const World& world);
  ~Oracle();

  Answer find(const Request& request) const;

 private:
  struct Candidate;
  std::vector<const table::ListenerSpec*> group_of(const match::GroupKey& key) const;
  const std::vector<const Candidate*>& candidates_of(std::uint32_t listener,
                                                     const std::string& host) const;

  std::map<std::uint32_t, std::vector<Candidate>> candidates_;  // by listener, in order
  std::map<std::string, std::vector<const table::ListenerSpec*>, std::less<>> gateways_;
  std::map<table::SocketKey, std::vector<const table::ListenerSpec*>> sockets_;
  mutable std::map<std::pair<std::uint32_t, std::string>, std::vector<const Candidate*>> by_host_;
};

}  // namespace sluice::oracle
