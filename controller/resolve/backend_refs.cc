#include "controller/resolve/backend_refs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::resolve {

namespace {

using model::Kind;
using model::ObjectKey;
using model::ObjectName;

// What can be wrong, the most serious first: it names the condition.
constexpr std::array<std::string_view, 5> kReasons = {
    "RefNotPermitted", "InvalidKind", "BackendNotFound", "UnsupportedProtocol", "UnsupportedValue"};
constexpr std::size_t kMaxProblemsShown = 8;

// Protocols of Service ports (appProtocol) that plain HTTP/1.1 speaks.
constexpr std::array<std::string_view, 3> kServedProtocols = {"http", "kubernetes.io/ws", "tcp"};

struct Problem {
  std::string_view reason;
  std::string message;
};

struct Target {
  std::optional<BackendKey> backend;  // or:
  Problem problem;
};

Target refuse(std::string_view reason, std::string message) {
  return {std::nullopt, {reason, std::move(message)}};
}

bool grants(const model::ReferenceGrant& grant, const std::string& from_ns, const ObjectKey& to) {
  const bool from = std::ranges::any_of(grant.from, [&](const model::GrantFrom& allowed) {
    return allowed.group == model::kind_group(Kind::kHttpRoute) &&
           allowed.kind == model::kind_name(Kind::kHttpRoute) && allowed.ns == from_ns;
  });
  return from && std::ranges::any_of(grant.to, [&](const model::GrantTo& allowed) {
           return allowed.group == model::kind_group(to.kind) &&
                  allowed.kind == model::kind_name(to.kind) &&
                  (!allowed.name || *allowed.name == to.name.name);
         });
}

bool is_permitted(const model::Store& store, const std::string& from_ns, const ObjectKey& to) {
  const auto& all = store.all(Kind::kReferenceGrant);
  for (auto it = all.lower_bound({to.name.ns, ""}); it != all.end(); ++it) {
    if (it->first.ns != to.name.ns) break;
    const auto* grant = std::get_if<model::ReferenceGrant>(it->second.get());
    if (grant != nullptr && grants(*grant, from_ns, to)) return true;
  }
  return false;
}

Target find_service_port(const model::Service& service, const ObjectKey& key, std::uint16_t port) {
  if (service.type == "ExternalName") {
    return refuse(
        "UnsupportedValue",
        fmt::format("Service {} is of type ExternalName, which has no endpoints", key.name.text()));
  }
  const model::ServicePort* found = nullptr;
  std::vector<std::uint16_t> known;
  for (const model::ServicePort& candidate : service.ports) {
    known.push_back(candidate.port);
    if (candidate.port != port) continue;
    if (found == nullptr || candidate.protocol == "TCP") found = &candidate;
  }
  if (found == nullptr) {
    return refuse("BackendNotFound", fmt::format("Service {} has no port {}; it has {}",
                                                 key.name.text(), port, fmt::join(known, ", ")));
  }
  if (found->protocol != "TCP") {
    return refuse("UnsupportedProtocol", fmt::format("port {} of Service {} is of protocol {}",
                                                     port, key.name.text(), found->protocol));
  }
  const std::string protocol = found->app_protocol.value_or("http");
  if (std::ranges::find(kServedProtocols, protocol) == kServedProtocols.end()) {
    return refuse(
        "UnsupportedProtocol",
        fmt::format("port {} of Service {} has appProtocol {}, which is not served by this version "
                    "of Sluice; {} are",
                    port, key.name.text(), protocol, fmt::join(kServedProtocols, ", ")));
  }
  return {BackendKey{key, port}, {}};
}

Target find_target(const model::BackendRef& ref, const ObjectKey& key, const std::string& from_ns,
                   const model::Store& store) {
  if (key.name.ns != from_ns && !is_permitted(store, from_ns, key)) {
    return refuse("RefNotPermitted",
                  fmt::format("no ReferenceGrant in namespace {} permits HTTPRoutes of namespace "
                              "{} to refer to {} {}",
                              key.name.ns, from_ns, model::kind_name(key.kind), key.name.text()));
  }
  const model::Object* object = store.find_object(key);
  if (object == nullptr) {
    return refuse("BackendNotFound",
                  fmt::format("{} {} does not exist", model::kind_name(key.kind), key.name.text()));
  }
  if (key.kind == Kind::kBackend) return {BackendKey{key, 0}, {}};
  return find_service_port(std::get<model::Service>(*object), key, ref.port.value_or(0));
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
  std::vector<std::string_view> shown;
  for (const Problem& problem : problems) {
    if (shown.size() < kMaxProblemsShown) shown.push_back(problem.message);
  }
  std::string message = fmt::format("{}", fmt::join(shown, "; "));
  if (problems.size() > shown.size()) {
    message += fmt::format("; and {} more", problems.size() - shown.size());
  }
  return {"ResolvedRefs", false, std::string(problems.front().reason), std::move(message)};
}

}  // namespace

BackendId BackendKey::id() const {
  return fmt::format("{}/{}", model::kind_name(object.kind), label());
}

std::string BackendKey::label() const {
  return port == 0 ? object.name.text() : fmt::format("{}:{}", object.name.text(), port);
}

model::ObjectKey grants_of(const std::string& ns) {
  return {Kind::kReferenceGrant, {ns, ""}};
}

RouteBackends resolve_backends(const model::HttpRoute& route, const model::Store& store) {
  RouteBackends result;
  std::vector<Problem> problems;
  const std::string& from_ns = route.meta.name.ns;
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    auto& targets = result.rules.emplace_back();
    for (std::size_t j = 0; j < route.rules[i].backend_refs.size(); ++j) {
      const model::BackendRef& ref = route.rules[i].backend_refs[j];
      const auto kind = backend_kind(ref);
      Target target;
      if (kind) {
        const ObjectKey key{*kind, {ref.ns.value_or(from_ns), ref.name}};
        result.dependencies.insert(key);
        if (key.name.ns != from_ns) result.dependencies.insert(grants_of(key.name.ns));
        target = find_target(ref, key, from_ns, store);
      } else {
        target =
            refuse("InvalidKind",
                   fmt::format("{}/{} is not a kind of backend; Service and sluice.dev/Backend "
                               "are",
                               ref.group.empty() ? "core" : ref.group, ref.kind));
      }
      if (!target.backend) {
        target.problem.message =
            fmt::format("spec.rules[{}].backendRefs[{}]: {}", i, j, target.problem.message);
        problems.push_back(std::move(target.problem));
      }
      targets.push_back(target.backend);
    }
  }
  result.resolved_refs = summarize(std::move(problems));
  return result;
}

}  // namespace sluice::resolve
