#include "controller/compile/listener_certificates.h"

#include <string_view>
#include <utility>

namespace sluice::compile {

namespace {

// Stores one blob and says where. Says nothing when its hash is forged.
Result<void> put(secret::SecretFile& file, const std::string& name, std::string_view pem,
                 std::optional<table::CertificateSpec>& stored) {
  Result<secret::BlobPlace> place = file.put(pem);
  if (!place && place.error().code == Errc::kConflict) return {};
  if (!place) return propagate(std::move(place), "storing the certificate of " + name);
  stored = table::CertificateSpec{name, place->hash, place->unit, place->bytes};
  return {};
}

// Adds what is stored to `stored`, also when it fails half way.
Result<void> put_all(secret::SecretFile& file, const resolve::ServedListener& listener,
                     StoredCertificates& stored) {
  if (const auto& own = listener.client_certificate) {
    Result<void> done = put(file, own->name, own->pair->pem, stored.client_certificate);
    if (!done) return done;
  }
  if (!listener.tls) return {};
  const resolve::ServedTls& tls = *listener.tls;
  if (const auto& clients = tls.clients) {
    Result<void> done = put(file, clients->names, *clients->pem, stored.authorities);
    // Without the authorities nobody is let in.
    if (!done || !stored.authorities) return done;
  }
  for (const resolve::ServedCertificate& certificate : tls.certificates) {
    std::optional<table::CertificateSpec> one;
    Result<void> done = put(file, certificate.name, certificate.pair->pem, one);
    if (!done) return done;
    if (one) stored.served.push_back(*std::move(one));
  }
  return {};
}

}  // namespace

Result<void> ListenerCertificates::store(const resolve::Delta& delta) {
  for (const resolve::ServedListener& listener : delta.listeners) {
    StoredCertificates stored;
    if (Result<void> done = put_all(file_, listener, stored); !done) {
      retire(std::move(stored));
      return done;
    }
    retire(std::exchange(next_[listener.key], std::move(stored)));
  }
  return {};
}

StoredCertificates ListenerCertificates::take(const resolve::ListenerKey& listener) {
  const auto stored = next_.find(listener);
  if (stored != next_.end()) {
    retire(std::exchange(in_use_[listener], std::move(stored->second)));
    next_.erase(stored);
  }
  return in_use_[listener];
}

void ListenerCertificates::leave(const resolve::ListenerKey& listener) {
  for (auto* const known : {&next_, &in_use_}) {
    const auto found = known->find(listener);
    if (found == known->end()) continue;
    retire(std::move(found->second));
    known->erase(found);
  }
}

void ListenerCertificates::retire(StoredCertificates&& stored) {
  for (const table::CertificateSpec& certificate : stored.served)
    retired_.push_back(certificate.hash);
  if (stored.authorities) retired_.push_back(stored.authorities->hash);
  if (stored.client_certificate) retired_.push_back(stored.client_certificate->hash);
  stored = {};
}

void ListenerCertificates::release(std::uint64_t now_ms) {
  for (const secret::BlobHash& hash : std::exchange(retired_, {})) {
    file_.remove(hash, now_ms);
  }
}

}  // namespace sluice::compile
