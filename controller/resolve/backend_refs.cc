#include "controller/resolve/backend_refs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "controller/resolve/grants.h"

namespace sluice::resolve {

namespace {

using model::Kind;
using model::ObjectKey;
using model::ObjectName;

// What can be wrong, the most serious first: it names the condition.
constexpr std::array<std::string_view, 5> kReasons = {
    "RefNotPermitted", "InvalidKind", "BackendNotFound", "UnsupportedProtocol", "UnsupportedValue"};
constexpr std::size_t kMaxProblemsShown = 8;

// Protocols of Service ports (appProtocol), of which a stream route asks nothing: the first ones
// mean HTTP/1.1, or HTTP/2 when the route is a GRPCRoute; then those that are HTTP/2 always; then
// what only an HTTPRoute can reach; then the same, where a BackendTLSPolicy must say whom to trust.
constexpr std::array<std::string_view, 2> kPlainProtocols = {"http", "tcp"};
constexpr std::array<std::string_view, 2> kHttp2Protocols = {"grpc", "kubernetes.io/h2c"};
constexpr std::array<std::string_view, 1> kHttp1Protocols = {"kubernetes.io/ws"};
constexpr std::array<std::string_view, 2> kTlsProtocols = {"https", "kubernetes.io/wss"};

struct Problem {
  std::string_view reason;
  std::string message;
};

struct Target {
  BackendTarget backend;  // its key is none when there is:
  Problem problem;
  bool asks_policies = false;  // it is another one with or without a BackendTLSPolicy
};

Target refuse(std::string_view reason, std::string message) {
  return {{}, {reason, std::move(message)}, false};
}

// Who refers to a backend.
struct Referrer {
  Kind kind;
  const std::string& ns;
};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// Names without a prefix are those of IANA's service names, in which case does not matter.
// Spec: Kubernetes ServicePort.appProtocol; RFC 6335, 5.1
std::string known_spelling(std::string app_protocol) {
  if (app_protocol.find('/') != std::string::npos) return app_protocol;
  for (char& each : app_protocol) {
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  }
  return app_protocol;
}

// What is spoken where nothing else is asked for.
BackendProtocol usual_protocol(Kind route) {
  return route == Kind::kGrpcRoute ? BackendProtocol::kHttp2 : BackendProtocol::kHttp1;
}

// What is spoken to a port of the appProtocol; none: nothing that the route could use.
std::optional<BackendProtocol> protocol_of(std::string_view app_protocol, Kind route) {
  const bool http2 = route == Kind::kGrpcRoute;
  if (contains(kHttp2Protocols, app_protocol)) return BackendProtocol::kHttp2;
  if (contains(kPlainProtocols, app_protocol)) return usual_protocol(route);
  if (contains(kTlsProtocols, app_protocol) && (!http2 || app_protocol == "https")) {
    return usual_protocol(route);
  }
  if (contains(kHttp1Protocols, app_protocol) && !http2) return BackendProtocol::kHttp1;
  return std::nullopt;
}

// Whether some policy says how the port is reached over TLS.
bool has_policy(const ObjectName& service, const std::string& port, const model::Store& store) {
  const auto& all = store.all(Kind::kBackendTlsPolicy);
  for (auto it = all.lower_bound({service.ns, ""}); it != all.end(); ++it) {
    if (it->first.ns != service.ns) break;
    const auto& policy = std::get<model::BackendTlsPolicy>(*it->second);
    const bool names_it = std::ranges::any_of(policy.targets, [&](const model::PolicyTarget& t) {
      return model::find_kind(t.group, t.kind) == Kind::kService && t.name == service.name &&
             (t.section_name.value_or("").empty() || *t.section_name == port);
    });
    if (names_it) return true;
  }
  return false;
}

Transport transport_of(Kind route) {
  return route == Kind::kUdpRoute ? Transport::kUdp : Transport::kTcp;
}

std::string served_protocols(Kind route) {
  std::vector<std::string_view> served(kPlainProtocols.begin(), kPlainProtocols.end());
  served.insert(served.end(), kHttp2Protocols.begin(), kHttp2Protocols.end());
  served.push_back(kTlsProtocols.front());
  if (route != Kind::kGrpcRoute) {
    served.insert(served.end(), kHttp1Protocols.begin(), kHttp1Protocols.end());
    served.push_back(kTlsProtocols.back());
  }
  return fmt::format("{}", fmt::join(served, ", "));
}

Target find_service_port(const model::Service& service, const model::Store& store,
                         std::uint16_t port, Kind route) {
  const ObjectKey key{Kind::kService, service.meta.name};
  if (service.type == "ExternalName") {
    return refuse(
        "UnsupportedValue",
        fmt::format("Service {} is of type ExternalName, which has no endpoints", key.name.text()));
  }
  const Transport transport = transport_of(route);
  const std::string_view wanted = protocol_name(transport);
  const model::ServicePort* found = nullptr;
  std::vector<std::uint16_t> known;
  for (const model::ServicePort& candidate : service.ports) {
    known.push_back(candidate.port);
    if (candidate.port != port) continue;
    if (found == nullptr || candidate.protocol == wanted) found = &candidate;
  }
  if (found == nullptr) {
    return refuse("BackendNotFound", fmt::format("Service {} has no port {}; it has {}",
                                                 key.name.text(), port, fmt::join(known, ", ")));
  }
  if (found->protocol != wanted) {
    return refuse("UnsupportedProtocol", fmt::format("port {} of Service {} is of protocol {}",
                                                     port, key.name.text(), found->protocol));
  }
  if (is_stream_route(route)) return {{BackendKey{key, port, transport}}, {}, false};
  const std::string app_protocol = found->app_protocol.value_or("http");
  const std::string spelling = known_spelling(app_protocol);
  const std::optional<BackendProtocol> protocol = protocol_of(spelling, route);
  if (!protocol) {
    return refuse(
        "UnsupportedProtocol",
        fmt::format("port {} of Service {} has appProtocol {}, which is not served by this version "
                    "of Sluice for {}s; {} are",
                    port, key.name.text(), app_protocol, model::kind_name(route),
                    served_protocols(route)));
  }
  const bool asks_policies = contains(kTlsProtocols, spelling);
  Target target{{BackendKey{key, port}, *protocol}, {}, asks_policies};
  if (asks_policies && !has_policy(key.name, found->name, store)) {
    target = refuse("UnsupportedProtocol",
                    fmt::format("port {} of Service {} has appProtocol {}, which needs a "
                                "BackendTLSPolicy that says whom to trust; there is none",
                                port, key.name.text(), app_protocol));
    target.asks_policies = true;
  }
  return target;
}

Target find_target(const model::BackendRef& ref, const ObjectKey& key, const Referrer& referrer,
                   const model::Store& store) {
  if (key.name.ns != referrer.ns && !is_permitted(store, referrer.kind, referrer.ns, key)) {
    return refuse("RefNotPermitted",
                  fmt::format("no ReferenceGrant in namespace {} permits {}s of namespace "
                              "{} to refer to {} {}",
                              key.name.ns, model::kind_name(referrer.kind), referrer.ns,
                              model::kind_name(key.kind), key.name.text()));
  }
  const model::Object* object = store.find_object(key);
  if (object == nullptr) {
    return refuse("BackendNotFound",
                  fmt::format("{} {} does not exist", model::kind_name(key.kind), key.name.text()));
  }
  if (key.kind == Kind::kBackend) {
    return {{BackendKey{key, 0, transport_of(referrer.kind)}, usual_protocol(referrer.kind)},
            {},
            false};
  }
  return find_service_port(std::get<model::Service>(*object), store, ref.port.value_or(0),
                           referrer.kind);
}

std::optional<Kind> backend_kind(const model::BackendRef& ref) {
  const auto kind = model::find_kind(ref.group, ref.kind);
  if (kind == Kind::kService || kind == Kind::kBackend) return kind;
  return std::nullopt;
}

std::size_t rank(const Problem& problem) {
  return static_cast<std::size_t>(std::ranges::find(kReasons, problem.reason) - kReasons.begin());
}

ConditionFinding summarize(std::vector<Problem> problems) {
  if (problems.empty()) {
    return {"ResolvedRefs", true, "ResolvedRefs", "Every reference leads to an object"};
  }
  std::ranges::stable_sort(problems, {}, rank);
  std::vector<std::string> messages;
  messages.reserve(problems.size());
  for (Problem& problem : problems) {
    messages.push_back(std::move(problem.message));
  }
  return {"ResolvedRefs", false, std::string(problems.front().reason), join_problems(messages)};
}

// Resolves the references of one route, one after the other.
class References {
 public:
  References(const RouteView& route, const model::Store& store)
      : referrer_{route.kind, route.route->meta.name.ns}, store_(store) {}

  BackendTarget resolve(const model::BackendRef& ref, const std::string& field) {
    Target target = find(ref);
    if (!target.backend.key) {
      target.problem.message = fmt::format("{}: {}", field, target.problem.message);
      problems_.push_back(std::move(target.problem));
    }
    return target.backend;
  }

  std::vector<BackendTarget> resolve_mirrors(const std::vector<model::HttpFilter>& filters,
                                             const std::string& owner) {
    std::vector<BackendTarget> targets;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      const auto* mirror = std::get_if<model::RequestMirror>(&filters[i]);
      if (mirror == nullptr) continue;
      targets.push_back(resolve(mirror->backend,
                                fmt::format("{}.filters[{}].requestMirror.backendRef", owner, i)));
    }
    return targets;
  }

  std::set<ObjectKey> dependencies() { return std::move(dependencies_); }

  ConditionFinding summary() { return summarize(std::move(problems_)); }

 private:
  Target find(const model::BackendRef& ref) {
    const auto kind = backend_kind(ref);
    if (!kind) {
      return refuse("InvalidKind",
                    fmt::format("{}/{} is not a kind of backend; Service and sluice.dev/Backend "
                                "are",
                                ref.group.empty() ? "core" : ref.group, ref.kind));
    }
    const ObjectKey key{*kind, {ref.ns.value_or(referrer_.ns), ref.name}};
    dependencies_.insert(key);
    if (key.name.ns != referrer_.ns) {
      dependencies_.insert(any_of(Kind::kReferenceGrant, key.name.ns));
    }
    Target target = find_target(ref, key, referrer_, store_);
    if (target.asks_policies) dependencies_.insert(any_of(Kind::kBackendTlsPolicy, key.name.ns));
    return target;
  }

  Referrer referrer_;
  const model::Store& store_;
  std::set<ObjectKey> dependencies_;
  std::vector<Problem> problems_;
};

}  // namespace

BackendId BackendKey::id() const {
  BackendId id = object.text();
  if (port != 0) id += fmt::format(":{}", port);
  if (transport == Transport::kUdp) id += "/udp";
  return id;
}

std::string_view protocol_name(Transport transport) {
  return transport == Transport::kUdp ? "UDP" : "TCP";
}

model::ObjectKey any_of(Kind kind, const std::string& ns) {
  return {kind, {ns, ""}};
}

std::string join_problems(const std::vector<std::string>& problems) {
  const std::size_t shown = std::min(problems.size(), kMaxProblemsShown);
  std::string text = fmt::format("{}", fmt::join(std::span(problems).first(shown), "; "));
  if (problems.size() > shown) text += fmt::format("; and {} more", problems.size() - shown);
  return text;
}

RouteBackends resolve_backends(const RouteView& route, const model::Store& store) {
  RouteBackends result;
  References references(route, store);
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const model::RouteRule& rule = *route.rules[i];
    const std::string field = fmt::format("spec.rules[{}]", i);
    RuleTargets& targets = result.rules.emplace_back();
    targets.mirrors = references.resolve_mirrors(rule.filters, field);
    for (std::size_t j = 0; j < rule.backend_refs.size(); ++j) {
      const model::HttpBackendRef& backend = rule.backend_refs[j];
      const std::string ref_field = fmt::format("{}.backendRefs[{}]", field, j);
      BackendTarget target = references.resolve(backend.ref, ref_field);
      targets.backends.push_back(
          {std::move(target), references.resolve_mirrors(backend.filters, ref_field)});
    }
  }
  result.resolved_refs = references.summary();
  result.dependencies = references.dependencies();
  return result;
}

std::set<BackendKey> used_backends(const std::vector<RuleTargets>& rules) {
  std::set<BackendKey> used;
  const auto add = [&](const BackendTarget& target) {
    if (target.key) used.insert(*target.key);
  };
  for (const RuleTargets& rule : rules) {
    std::ranges::for_each(rule.mirrors, add);
    for (const BackendRefTargets& backend : rule.backends) {
      add(backend.target);
      std::ranges::for_each(backend.mirrors, add);
    }
  }
  return used;
}

}  // namespace sluice::resolve
