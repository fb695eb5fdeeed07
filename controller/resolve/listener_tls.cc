#include "controller/resolve/listener_tls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>
#include <vector>

#include "controller/certificates/key_pair.h"
#include "shared/http/host.h"

namespace sluice::resolve {

namespace {

constexpr std::string_view kInvalidCertificateRef = "InvalidCertificateRef";
constexpr std::string_view kMinVersionOption = "sluice.dev/min-tls-version";
constexpr std::string_view kCiphersOption = "sluice.dev/ciphers";

// Fills `tls`; what is wrong goes to the plan.
void plan_certificates(const model::Listener& listener, std::size_t index, const RefSearch& search,
                       ServedTls& tls, ListenerPlan& plan) {
  const std::string field = fmt::format("spec.listeners[{}].tls.certificateRefs", index);
  std::string_view reason;
  std::vector<std::string> problems;
  const std::vector<model::ObjectRef> refs =
      listener.tls ? listener.tls->certificate_refs : std::vector<model::ObjectRef>();
  for (std::size_t i = 0; i < refs.size(); ++i) {
    FoundCertificate found = find_certificate(refs[i], search);
    if (found.problem == RefProblem::kNone) {
      tls.certificates.push_back({std::move(found.name), std::move(found.pair)});
      continue;
    }
    const bool permitted = found.problem != RefProblem::kNotPermitted;
    if (reason.empty()) reason = permitted ? kInvalidCertificateRef : "RefNotPermitted";
    problems.push_back(fmt::format("{}[{}]: {}", field, i, found.message));
  }
  if (refs.empty()) {
    reason = kInvalidCertificateRef;
    problems.push_back(fmt::format("{}: protocol HTTPS needs at least one certificate", field));
  }
  if (problems.empty()) return;
  if (plan.unresolved) problems.push_back(plan.unresolved->message);
  plan.unresolved = {std::string(reason), fmt::format("{}", fmt::join(problems, "; "))};
}

std::optional<Refusal> plan_options(const model::Labels& options, std::size_t index,
                                    ServedTls& tls) {
  for (const auto& [key, value] : options) {
    std::string problem;
    if (key == kMinVersionOption) {
      tls.only_tls13 = value == "1.3";
      if (value != "1.2" && value != "1.3") problem = "valid is \"1.2\" or \"1.3\"";
    } else if (key == kCiphersOption) {
      problem = certificates::cipher_list_problem(value);
      tls.ciphers = value;
    } else {
      problem = fmt::format("is not an option that Sluice knows; {} and {} are", kMinVersionOption,
                            kCiphersOption);
    }
    if (problem.empty()) continue;
    return Refusal{"UnsupportedValue", fmt::format("spec.listeners[{}].tls.options[{}]: \"{}\": {}",
                                                   index, key, value, problem)};
  }
  return std::nullopt;
}

bool overlap(const ListenerPlan& a, const ListenerPlan& b) {
  const auto left = http::parse_host_pattern(a.hostname);
  const auto right = http::parse_host_pattern(b.hostname);
  return left && right && http::intersect(*left, *right).has_value();
}

// Clients may use a connection to one of two such listeners for requests meant for the other.
void note_overlaps(GatewayPlan& plan) {
  for (ListenerPlan& listener : plan.listeners) {
    if (!listener.tls || listener.refusal || listener.conflict) continue;
    std::vector<std::string> others;
    for (const ListenerPlan& other : plan.listeners) {
      if (&other == &listener || !other.tls || other.refusal || other.conflict) continue;
      if (other.port == listener.port && overlap(listener, other)) others.push_back(other.name);
    }
    if (others.empty()) continue;
    listener.overlap = {
        "OverlappingHostnames",
        fmt::format("on port {} the hostname overlaps with that of listener {}; a request on a "
                    "connection that was opened for another listener is answered with 421",
                    listener.port, fmt::join(others, ", "))};
  }
}

}  // namespace

void plan_tls(const model::Gateway& gateway, const RefSearch& search, GatewayPlan& plan) {
  for (std::size_t i = 0; i < plan.listeners.size(); ++i) {
    const model::Listener& listener = gateway.listeners[i];
    ListenerPlan& planned = plan.listeners[i];
    if (planned.protocol != "HTTPS") continue;
    ServedTls tls;
    plan_certificates(listener, i, search, tls, planned);
    if (listener.tls && !planned.refusal) {
      planned.refusal = plan_options(listener.tls->options, i, tls);
    }
    planned.tls = std::move(tls);
  }
  note_overlaps(plan);
}

}  // namespace sluice::resolve
