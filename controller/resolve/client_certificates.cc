#include "controller/resolve/client_certificates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::resolve {

namespace {

constexpr std::size_t kMaxAuthoritiesBytes = std::size_t{1} << 20;  // of one listener

// What one `validation` of spec.tls.frontend asks for.
struct Validation {
  std::optional<ServedClientValidation> served;  // none: no authority is left
  std::optional<Refusal> problem;
};

std::string_view reason_of(RefProblem problem) {
  if (problem == RefProblem::kKind) return "InvalidCACertificateKind";
  return problem == RefProblem::kNotPermitted ? "RefNotPermitted" : "InvalidCACertificateRef";
}

Validation find_validation(const model::ClientValidation& wanted, const std::string& field,
                           const RefSearch& search) {
  std::string pem;
  std::vector<std::string> names;
  std::string_view reason;
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < wanted.ca_certificate_refs.size(); ++i) {
    FoundAuthorities found = find_authorities(wanted.ca_certificate_refs[i], search);
    if (pem.size() + found.pem.size() > kMaxAuthoritiesBytes) {
      found.problem = RefProblem::kUnusable;
      found.message =
          fmt::format("the certificates take more than {} bytes in all", kMaxAuthoritiesBytes);
    }
    if (found.problem == RefProblem::kNone) {
      pem += found.pem;
      names.push_back(found.name);
      continue;
    }
    if (reason.empty()) reason = reason_of(found.problem);
    problems.push_back(
        fmt::format("{}.validation.caCertificateRefs[{}]: {}", field, i, found.message));
  }
  Validation validation;
  if (!pem.empty()) {
    validation.served = {.names = fmt::format("{}", fmt::join(names, ",")),
                         .pem = std::make_shared<const std::string>(std::move(pem)),
                         .insecure_fallback = wanted.insecure_fallback};
  }
  if (!problems.empty()) {
    validation.problem = Refusal{std::string(reason), fmt::format("{}", fmt::join(problems, "; "))};
  }
  return validation;
}

// What the Gateway refers to is no business of those who have a ListenerSet.
void tell(const Validation& validation, ListenerPlan& listener) {
  if (!validation.problem) return;
  Refusal problem = *validation.problem;
  if (!listener.key.is_own()) {
    problem.message = fmt::format(
        "spec.tls.frontend of Gateway {} has references that lead to no "
        "certificates",
        listener.key.gateway.text());
  }
  if (!validation.served && !listener.refusal) {
    listener.refusal = {"NoValidCACertificate", problem.message};
  }
  if (listener.unresolved) {
    listener.unresolved->message += "; " + problem.message;
  } else {
    listener.unresolved = std::move(problem);
  }
}

}  // namespace

void plan_frontend(const model::Gateway& gateway, const RefSearch& search, GatewayPlan& plan) {
  const model::FrontendTls& frontend = gateway.frontend_tls;
  std::map<const model::ClientValidation*, Validation> found;  // listeners share what they name
  for (ListenerPlan& listener : plan.listeners) {
    if (!listener.tls || listener.mode != ListenerMode::kHttp) continue;
    ServedTls& tls = *listener.tls;
    const auto own = frontend.of_port.find(listener.port);
    const bool is_own = own != frontend.of_port.end();
    const std::optional<model::ClientValidation>& wanted = is_own ? own->second : frontend.fallback;
    if (!wanted) continue;
    const auto [entry, is_new] = found.try_emplace(&*wanted);
    if (is_new) {
      const std::string field =
          is_own ? fmt::format("spec.tls.frontend.perPort[port={}].tls", listener.port)
                 : "spec.tls.frontend.default";
      entry->second = find_validation(*wanted, field, search);
    }
    tls.clients = entry->second.served;
    tell(entry->second, listener);
    plan.insecure_frontend = plan.insecure_frontend || wanted->insecure_fallback;
  }
}

void plan_client_certificate(const model::Gateway& gateway, const RefSearch& search,
                             GatewayPlan& plan) {
  if (!gateway.client_certificate_ref) return;
  FoundCertificate found = find_certificate(*gateway.client_certificate_ref, search);
  if (found.problem == RefProblem::kNone) {
    plan.client_certificate = {std::move(found.name), std::move(found.pair)};
    return;
  }
  const bool permitted = found.problem != RefProblem::kNotPermitted;
  plan.unresolved = {permitted ? "InvalidClientCertificateRef" : "RefNotPermitted",
                     "spec.tls.backend.clientCertificateRef: " + found.message};
}

}  // namespace sluice::resolve
