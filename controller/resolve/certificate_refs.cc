#include "controller/resolve/certificate_refs.h"

#include <fmt/format.h>

#include <utility>

#include "controller/certificates/trust_anchors.h"
#include "controller/resolve/backend_refs.h"
#include "controller/resolve/grants.h"

namespace sluice::resolve {

namespace {

using model::Kind;
using model::ObjectKey;

constexpr std::string_view kTlsSecretType = "kubernetes.io/tls";

// Fills in the problem of a reference that may not be followed.
template <class Found>
bool may_follow(const model::ObjectRef& ref, const ObjectKey& to, const RefSearch& search,
                Found& found) {
  const std::string_view wanted = model::kind_name(to.kind);
  if (ref.group != model::kind_group(to.kind) || ref.kind != wanted) {
    found.problem = RefProblem::kKind;
    found.message = fmt::format("{} of group \"{}\" can't hold a certificate; {} of group \"\" can",
                                ref.kind, ref.group, wanted);
    return false;
  }
  search.dependencies.insert(to);
  const model::Kind kind = search.from.kind;
  const std::string& ns = search.from.name.ns;
  if (to.name.ns == ns) return true;
  search.dependencies.insert(any_of(Kind::kReferenceGrant, to.name.ns));
  if (is_permitted(search.store, kind, ns, to)) return true;
  found.problem = RefProblem::kNotPermitted;
  found.message =
      fmt::format("no ReferenceGrant in namespace {} permits {}s of namespace {} to refer to {} {}",
                  to.name.ns, model::kind_name(kind), ns, wanted, to.name.name);
  return false;
}

template <class Found>
Found unusable(Found found, std::string message) {
  found.problem = RefProblem::kUnusable;
  found.message = std::move(message);
  return found;
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

FoundCertificate find_certificate(const model::ObjectRef& ref, const RefSearch& search) {
  const ObjectKey key{Kind::kSecret, {ref.ns.value_or(search.from.name.ns), ref.name}};
  FoundCertificate found{.message = "", .name = key.name.text(), .pair = nullptr};
  if (!may_follow(ref, key, search, found)) return found;
  const auto* secret = search.store.find<model::Secret>(Kind::kSecret, key.name);
  if (secret == nullptr)
    return unusable(found, fmt::format("Secret {} does not exist", found.name));
  const certificates::CheckedKeyPair& checked = search.book.look_up(*secret);
  if (checked.pair == nullptr) {
    return unusable(found, fmt::format("Secret {}: {}", found.name, checked.problem));
  }
  found.pair = checked.pair;
  return found;
}

FoundAuthorities find_authorities(const model::ObjectRef& ref, const RefSearch& search) {
  const ObjectKey key{Kind::kConfigMap, {ref.ns.value_or(search.from.name.ns), ref.name}};
  FoundAuthorities found{.message = "", .name = key.name.text(), .pem = ""};
  if (!may_follow(ref, key, search, found)) return found;
  const auto* map = search.store.find<model::ConfigMap>(Kind::kConfigMap, key.name);
  if (map == nullptr)
    return unusable(found, fmt::format("ConfigMap {} does not exist", found.name));
  if (!map->ca_certificates) {
    return unusable(found, fmt::format("ConfigMap {} has no entry ca.crt", found.name));
  }
  certificates::CheckedAnchors checked = certificates::check_trust_anchors(*map->ca_certificates);
  if (!checked.problem.empty()) {
    return unusable(found, fmt::format("ConfigMap {}: {}", found.name, checked.problem));
  }
  found.pem = std::move(checked.pem);
  return found;
}

}  // namespace sluice::resolve
