#include "controller/resolve/certificate_refs.h"

#include <fmt/format.h>

#include <utility>

#include "controller/resolve/backend_refs.h"
#include "controller/resolve/grants.h"
#include "controller/resolve/trust_source.h"

namespace sluice::resolve {

namespace {

using model::Kind;
using model::ObjectKey;

constexpr std::string_view kTlsSecretType = "kubernetes.io/tls";

// Fills in the problem of a reference that may not be followed.
template <class Found>
bool may_follow(const ObjectKey& to, const RefSearch& search, Found& found) {
  search.dependencies.insert(to);
  const model::Kind kind = search.from.kind;
  const std::string& ns = search.from.name.ns;
  if (to.name.ns == ns || !model::is_namespaced(to.kind)) return true;
  search.dependencies.insert(any_of(Kind::kReferenceGrant, to.name.ns));
  if (is_permitted(search.store, kind, ns, to)) return true;
  found.problem = RefProblem::kNotPermitted;
  found.message =
      fmt::format("no ReferenceGrant in namespace {} permits {}s of namespace {} to refer to {} {}",
                  to.name.ns, model::kind_name(kind), ns, model::kind_name(to.kind), to.name.name);
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
  if (model::find_kind(ref.group, ref.kind) != key.kind) {
    found.problem = RefProblem::kKind;
    found.message =
        fmt::format("{} of group \"{}\" can't hold a certificate; Secret of group \"\" can",
                    ref.kind, ref.group);
    return found;
  }
  if (!may_follow(key, search, found)) return found;
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
  const auto key =
      trust_source(ref.group, ref.kind, ref.ns.value_or(search.from.name.ns), ref.name);
  FoundAuthorities found;
  if (!key || !search.store.serves(key->kind)) {
    found.problem = RefProblem::kKind;
    found.message = unknown_trust_source(ref.group, ref.kind, key);
    return found;
  }
  found.name = key->name.text();
  if (!may_follow(*key, search, found)) return found;
  if (ref.ns && !model::is_namespaced(key->kind)) {
    return unusable(
        found, fmt::format("a {} is of no namespace; namespace must not be specified", ref.kind));
  }
  certificates::CheckedAnchors checked = read_trust_source(*key, search.store);
  if (!checked.problem.empty()) return unusable(found, std::move(checked.problem));
  found.pem = std::move(checked.pem);
  return found;
}

}  // namespace sluice::resolve
