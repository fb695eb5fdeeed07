#include "controller/compile/listener_certificates.h"

#include <string_view>
#include <utility>

namespace sluice::compile {

namespace {

// One blob. None: its hash is forged.
Result<std::optional<table::CertificateSpec>> put(secret::SecretFile& file, const std::string& name,
                                                  std::string_view pem) {
  Result<secret::BlobPlace> place = file.put(pem);
  if (!place && place.error().code == Errc::kConflict) return std::nullopt;
  if (!place) return propagate(std::move(place), "storing the certificate of " + name);
  return table::CertificateSpec{name, place->hash, place->unit, place->bytes};
}

// Adds what is stored to `stored`, also when it fails half way.
Result<void> put_all(secret::SecretFile& file, const resolve::ServedListener& listener,
                     StoredCertificates& stored) {
  if (listener.client_certificate) {
    auto put_it =
        put(file, listener.client_certificate->name, listener.client_certificate->pair->pem);
    if (!put_it) return tl::unexpected<Error>(std::move(put_it.error()));
    stored.client_certificate = std::move(*put_it);
  }
  if (!listener.tls) return {};
  if (listener.tls->clients) {
    auto put_it = put(file, listener.tls->clients->names, *listener.tls->clients->pem);
    if (!put_it) return tl::unexpected<Error>(std::move(put_it.error()));
    if (!*put_it) return {};  // nobody is let in without being validated
    stored.authorities = std::move(*put_it);
  }
  for (const resolve::ServedCertificate& certificate : listener.tls->certificates) {
    auto put_it = put(file, certificate.name, certificate.pair->pem);
    if (!put_it) return tl::unexpected<Error>(std::move(put_it.error()));
    if (*put_it) stored.served.push_back(*std::move(*put_it));
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
