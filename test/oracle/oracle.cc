#include "test/oracle/oracle.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>
#include <tuple>

namespace sluice::oracle {

namespace {

using table::ConditionKind;
using table::Host;
using table::HostKind;
using table::ListenerSpec;
using table::PathKind;
using table::Rule;
using table::RuleCondition;

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);)
    parts.push_back(part);
  if (text.ends_with(at)) parts.emplace_back();
  return parts;
}

bool host_fits(const Host& pattern, const std::string& host) {
  if (pattern.kind == HostKind::kAny) return true;
  if (pattern.kind == HostKind::kExact) return host == pattern.name;
  const std::vector<std::string> labels = split(host, '.');
  const std::vector<std::string> wanted = split(pattern.name, '.');
  return labels.size() > wanted.size() &&
         std::equal(wanted.rbegin(), wanted.rend(), labels.rbegin());
}

// "Exact before wildcard, longer first, a route without hostnames last."
auto host_rank(const Host& host) {
  return std::pair(host.kind, -static_cast<long>(host.name.size()));
}

// "Matches based on a URL path prefix split by `/`, element by element." "" is the prefix "/".
bool prefix_fits(const std::vector<std::string>& wanted, const std::vector<std::string>& elements) {
  return elements.size() >= wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), elements.begin());
}

const RE2& regex(const std::string& pattern) {
  static std::map<std::string, std::unique_ptr<RE2>> compiled;
  std::unique_ptr<RE2>& entry = compiled[pattern];
  if (entry == nullptr) entry = std::make_unique<RE2>(pattern, RE2::Quiet);
  return *entry;
}

bool regex_fits(const std::string& pattern, const std::string& text) {
  return RE2::FullMatch(text, regex(pattern));
}

bool method_fits(std::uint16_t methods, const std::string& method) {
  static const std::array<std::string, 9> names = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  if (methods == 0) return true;
  for (std::size_t bit = 0; bit < names.size(); ++bit) {
    if ((methods >> bit & 1) != 0 && names[bit] == method) return true;
  }
  return false;
}

std::string lowered(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<std::string> header_value(const Request& request, const std::string& name) {
  std::optional<std::string> joined;
  for (const auto& [field, value] : request.headers) {
    if (lowered(field) != name) continue;
    joined = joined ? *joined + "," + value : value;
  }
  return joined;
}

std::string form_decoded(const std::string& raw) {
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool escape = raw[i] == '%' && i + 2 < raw.size() &&
                        std::isxdigit(static_cast<unsigned char>(raw[i + 1])) != 0 &&
                        std::isxdigit(static_cast<unsigned char>(raw[i + 2])) != 0;
    if (escape) {
      out += static_cast<char>(std::stoi(raw.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += raw[i] == '+' ? ' ' : raw[i];
    }
  }
  return out;
}

// "If multiple query params with the same name are in the request, the first one counts."
std::optional<std::string> query_value(const Request& request, const std::string& name) {
  for (const std::string& piece : split(request.query, '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (form_decoded(piece.substr(0, equals)) != name) continue;
    return equals == std::string::npos ? "" : form_decoded(piece.substr(equals + 1));
  }
  return std::nullopt;
}

bool is_header(const RuleCondition& condition) {
  return condition.kind == ConditionKind::kHeaderExact ||
         condition.kind == ConditionKind::kHeaderRegex;
}

bool condition_fits(const RuleCondition& condition, const Request& request) {
  const std::optional<std::string> value = is_header(condition)
                                               ? header_value(request, condition.name)
                                               : query_value(request, condition.name);
  if (!value) return false;
  const bool exact =
      condition.kind == ConditionKind::kHeaderExact || condition.kind == ConditionKind::kQueryExact;
  return exact ? *value == condition.value : regex_fits(condition.value, *value);
}

}  // namespace

struct Oracle::Candidate {
  const Contribution* contribution = nullptr;
  const Rule* rule = nullptr;
  std::vector<std::string> elements;  // of the path

  bool path_fits(const std::string& path, const std::vector<std::string>& path_elements) const {
    switch (rule->path_kind) {
      case PathKind::kExact:
        return rule->path == path;
      case PathKind::kRegex:
        return regex_fits(rule->path, path);
      case PathKind::kPrefix:
        return prefix_fits(elements, path_elements);
    }
    return false;
  }

  bool fits(const Request& request, const std::vector<std::string>& path_elements) const {
    return method_fits(rule->methods, request.method) && path_fits(request.path, path_elements) &&
           std::ranges::all_of(rule->conditions, [&](const RuleCondition& condition) {
             return condition_fits(condition, request);
           });
  }

  // The order of the specification, from the first to the last criterion; smaller wins.
  auto rank() const {
    const long headers = std::ranges::count_if(rule->conditions, is_header);
    const long queries = static_cast<long>(rule->conditions.size()) - headers;
    return std::tuple(
        host_rank(contribution->hostname), rule->path_kind,
        -static_cast<long>(rule->path_kind == PathKind::kExact ? 0 : rule->path.size()),
        rule->methods == 0 ? 1 : 0, -headers, -queries, rule->created, rule->action->route,
        rule->action->rule, rule->match);
  }
};

Oracle::Oracle(const World& world) {
  for (const Contribution& contribution : world.contributions) {
    for (const Rule& rule : contribution.rules) {
      candidates_[contribution.listener].push_back({&contribution, &rule, split(rule.path, '/')});
    }
  }
  for (const ListenerSpec& listener : world.listeners) {
    gateways_[listener.gateway].push_back(&listener);
    for (const table::SocketKey& socket : listener.sockets)
      sockets_[socket].push_back(&listener);
  }
  for (auto& [listener, candidates] : candidates_) {
    std::ranges::stable_sort(candidates, std::less<>{}, &Candidate::rank);
  }
}

Oracle::~Oracle() = default;

std::vector<const ListenerSpec*> Oracle::group_of(const match::GroupKey& key) const {
  std::vector<const ListenerSpec*> group;
  if (!key.named) {
    const table::SocketKey unspecified{key.socket.family, key.socket.port, {}};
    for (const table::SocketKey& socket : {key.socket, unspecified}) {
      const auto found = sockets_.find(socket);
      if (found != sockets_.end()) return found->second;
    }
    return group;
  }
  const auto gateway = gateways_.find(key.gateway);
  if (gateway == gateways_.end()) return group;
  bool one_port = true;
  for (const ListenerSpec* listener : gateway->second) {
    if (key.port != 0 && listener->port != key.port) continue;
    one_port = one_port && (group.empty() || group.front()->port == listener->port);
    group.push_back(listener);
  }
  if (!one_port) group.clear();
  return group;
}

// The candidates whose hostname covers the host, in order; kept, since few hosts are asked often.
const std::vector<const Oracle::Candidate*>& Oracle::candidates_of(std::uint32_t listener,
                                                                   const std::string& host) const {
  const auto [found, fresh] = by_host_.try_emplace({listener, host});
  const auto candidates = candidates_.find(listener);
  if (!fresh || candidates == candidates_.end()) return found->second;
  for (const Candidate& candidate : candidates->second) {
    if (host_fits(candidate.contribution->hostname, host)) found->second.push_back(&candidate);
  }
  return found->second;
}

Answer Oracle::find(const Request& request) const {
  Answer answer;
  const std::vector<const ListenerSpec*> group = group_of(request.group);
  if (group.empty()) return answer;
  const ListenerSpec* best = nullptr;
  for (const ListenerSpec* listener : group) {
    if (!host_fits(listener->hostname, request.host)) continue;
    if (best == nullptr || host_rank(listener->hostname) < host_rank(best->hostname)) {
      best = listener;
    }
  }
  answer.outcome = match::Outcome::kNoListener;
  if (best == nullptr) return answer;
  answer.outcome = match::Outcome::kNoRule;
  answer.listener = best->id;
  const std::vector<std::string> elements = split(request.path, '/');
  for (const Candidate* candidate : candidates_of(best->id, request.host)) {
    if (!candidate->fits(request, elements)) continue;
    answer.outcome = match::Outcome::kMatched;
    answer.hostname = candidate->contribution->hostname;
    answer.route = candidate->rule->action->route;
    answer.rule = candidate->rule->action->rule;
    answer.match = candidate->rule->match;
    break;
  }
  return answer;
}

std::string describe(const Answer& answer) {
  switch (answer.outcome) {
    case match::Outcome::kMatched:
      break;
    case match::Outcome::kNoGroup:
      return "no group";
    case match::Outcome::kNoListener:
      return "no listener";
    case match::Outcome::kNoRule:
      return "listener " + std::to_string(answer.listener) + ": no rule";
    case match::Outcome::kBroken:
      return "broken";
  }
  const std::string wildcard = answer.hostname.kind == HostKind::kWildcard ? "*." : "";
  return "listener " + std::to_string(answer.listener) + ", \"" + wildcard + answer.hostname.name +
         "\", " + answer.route + " rule " + std::to_string(answer.rule) + " match " +
         std::to_string(answer.match);
}

std::string describe(const Request& request) {
  std::string text = request.group.named ? std::string(request.group.gateway)
                                         : "port " + std::to_string(request.group.socket.port);
  text += ": " + request.method + " " + request.host + request.path + "?" + request.query;
  for (const auto& [name, value] : request.headers)
    text.append(" [").append(name).append(": ").append(value).append("]");
  return text;
}

}  // namespace sluice::oracle
