#include "controller/resolve/listener_tls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>
#include <vector>

#include "controller/certificates/key_pair.h"
#include "controller/resolve/gateway_findings.h"
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
    problems.push_back(
        fmt::format("{}: protocol {} needs at least one certificate", field, plan.protocol));
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

// Whoever passes the handshake on can't change it.
std::optional<Refusal> refuse_options(const model::Labels& options, std::size_t index) {
  if (options.empty()) return std::nullopt;
  return Refusal{"UnsupportedValue",
                 fmt::format("spec.listeners[{}].tls.options[{}]: mode Passthrough has no options, "
                             "the handshake is the backend's",
                             index, options.begin()->first)};
}

bool ends_tls(const ListenerPlan& listener) {
  return listener.protocol == "HTTPS" || listener.mode == ListenerMode::kTlsTerminate;
}

// What becomes of traffic that two listeners could claim.
std::string_view overlap_text(const ListenerPlan& listener) {
  return listener.mode == ListenerMode::kHttp
             ? "a request on a connection that was opened for another listener is answered with 421"
             : "a connection is the listener's whose hostname fits its server name best";
}

// A listener that takes part in handshakes on its port.
struct Contender {
  ListenerPlan* plan;
  std::optional<http::HostPattern> hostname;
};

bool overlap(const Contender& a, const Contender& b) {
  return a.plan != b.plan && a.hostname && b.hostname &&
         http::intersect(*a.hostname, *b.hostname).has_value();
}

// Clients may use a connection to one of two such listeners for requests meant for the other.
void note_overlaps(const std::vector<Contender>& contenders) {
  for (const Contender& contender : contenders) {
    const ListenerKey& key = contender.plan->key;
    std::vector<std::string> others;
    bool elsewhere = false;  // who has a ListenerSet is no business of others
    for (const Contender& other : contenders) {
      if (!overlap(contender, other)) continue;
      const ListenerKey& other_key = other.plan->key;
      if (!other_key.is_own() && other_key.set != key.set) {
        elsewhere = true;
      } else {
        others.push_back(other_key.listener);
      }
    }
    if (others.empty() && !elsewhere) continue;
    contender.plan->overlap = {
        "OverlappingHostnames",
        fmt::format("on port {} the hostname overlaps with that of {}{}{}{}; {}",
                    contender.plan->port, others.empty() ? "" : "listener ",
                    fmt::join(others, ", "), elsewhere && !others.empty() ? " and " : "",
                    elsewhere ? "a ListenerSet" : "", overlap_text(*contender.plan))};
  }
}

}  // namespace

void plan_tls(std::span<const model::Listener> listeners, const RefSearch& search,
              std::span<ListenerPlan> plans) {
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const model::Listener& listener = listeners[i];
    ListenerPlan& planned = plans[i];
    if (planned.mode == ListenerMode::kTlsPassthrough && listener.tls && !planned.refusal) {
      planned.refusal = refuse_options(listener.tls->options, i);
    }
    if (!ends_tls(planned)) continue;
    ServedTls tls;
    plan_certificates(listener, i, search, tls, planned);
    if (listener.tls && !planned.refusal) {
      planned.refusal = plan_options(listener.tls->options, i, tls);
    }
    planned.tls = std::move(tls);
  }
}

void note_overlaps(const std::map<std::uint16_t, Losses>& losses, GatewayPlan& plan) {
  std::map<std::uint16_t, std::vector<Contender>> ports;
  for (ListenerPlan& listener : plan.listeners) {
    listener.overlap.reset();
    if (!listener.tls || refusal_of(listener, find_loss(losses, listener))) continue;
    ports[listener.port].push_back({&listener, http::parse_host_pattern(listener.hostname)});
  }
  for (const auto& [port, contenders] : ports)
    note_overlaps(contenders);
}

}  // namespace sluice::resolve
