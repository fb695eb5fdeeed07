#include "controller/resolve/listener_tls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>
#include <vector>

#include "controller/resolve/backend_refs.h"
#include "controller/resolve/grants.h"
#include "shared/http/host.h"

namespace sluice::resolve {

using model::Kind;
using model::ObjectKey;

namespace {

constexpr std::string_view kTlsSecretType = "kubernetes.io/tls";
constexpr std::string_view kInvalidCertificateRef = "InvalidCertificateRef";
constexpr std::string_view kMinVersionOption = "sluice.dev/min-tls-version";
constexpr std::string_view kCiphersOption = "sluice.dev/ciphers";

// What one certificateRef leads to, or the reason and words of its problem.
struct Found {
  std::shared_ptr<const certificates::KeyPair> pair;
  std::string_view reason;
  std::string problem;
};

Found refuse(std::string_view reason, std::string problem) {
  return {nullptr, reason, std::move(problem)};
}

struct Search {
  const model::Store& store;
  CertificateBook& book;
  const model::ObjectName& gateway;
  std::set<ObjectKey>& dependencies;
};

Found find_certificate(const model::SecretRef& ref, const Search& search) {
  if (ref.group != model::kind_group(Kind::kSecret) ||
      ref.kind != model::kind_name(Kind::kSecret)) {
    return refuse(kInvalidCertificateRef,
                  fmt::format("{} of group \"{}\" can't hold a certificate; Secret of group \"\" "
                              "can",
                              ref.kind, ref.group));
  }
  const ObjectKey key{Kind::kSecret, {ref.ns.value_or(search.gateway.ns), ref.name}};
  search.dependencies.insert(key);
  if (key.name.ns != search.gateway.ns) {
    search.dependencies.insert(any_of(model::Kind::kReferenceGrant, key.name.ns));
    if (!is_permitted(search.store, Kind::kGateway, search.gateway.ns, key)) {
      return refuse("RefNotPermitted",
                    fmt::format("no ReferenceGrant in namespace {} permits Gateways of namespace "
                                "{} to refer to Secret {}",
                                key.name.ns, search.gateway.ns, key.name.name));
    }
  }
  const auto* secret = search.store.find<model::Secret>(Kind::kSecret, key.name);
  if (secret == nullptr) {
    return refuse(kInvalidCertificateRef, fmt::format("Secret {} does not exist", key.name.text()));
  }
  const certificates::CheckedKeyPair& checked = search.book.look_up(*secret);
  if (checked.pair == nullptr) {
    return refuse(kInvalidCertificateRef,
                  fmt::format("Secret {}: {}", key.name.text(), checked.problem));
  }
  return {checked.pair, "", ""};
}

// Fills `tls`; what is wrong goes to the plan.
void plan_certificates(const model::Listener& listener, std::size_t index, const Search& search,
                       ServedTls& tls, ListenerPlan& plan) {
  const std::string field = fmt::format("spec.listeners[{}].tls.certificateRefs", index);
  std::string_view reason;
  std::vector<std::string> problems;
  const std::vector<model::SecretRef> refs =
      listener.tls ? listener.tls->certificate_refs : std::vector<model::SecretRef>();
  for (std::size_t i = 0; i < refs.size(); ++i) {
    Found found = find_certificate(refs[i], search);
    if (found.pair != nullptr) {
      const model::ObjectName name{refs[i].ns.value_or(search.gateway.ns), refs[i].name};
      tls.certificates.push_back({name.text(), std::move(found.pair)});
      continue;
    }
    if (reason.empty()) reason = found.reason;
    problems.push_back(fmt::format("{}[{}]: {}", field, i, found.problem));
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

const certificates::CheckedKeyPair& CertificateBook::look_up(const model::Secret& secret) {
  const auto [entry, is_new] = checked_.try_emplace(secret.meta.name);
  if (!is_new) return entry->second;
  certificates::CheckedKeyPair& checked = entry->second;
  if (secret.type != kTlsSecretType) {
    checked.problem =
        fmt::format("its type is \"{}\"; valid is \"{}\"", secret.type, kTlsSecretType);
  } else if (!secret.tls_certificate) {
    checked.problem = "it has no tls.crt";
  } else if (!secret.tls_key) {
    checked.problem = "it has no tls.key";
  } else {
    checked = certificates::check_key_pair(*secret.tls_certificate, *secret.tls_key);
  }
  return checked;
}

std::set<ObjectKey> plan_tls(const model::Gateway& gateway, const model::Store& store,
                             CertificateBook& book, GatewayPlan& plan) {
  std::set<ObjectKey> dependencies;
  const Search search{store, book, gateway.meta.name, dependencies};
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
  return dependencies;
}

}  // namespace sluice::resolve
