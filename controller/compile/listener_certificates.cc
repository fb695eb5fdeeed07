#include "controller/compile/listener_certificates.h"

#include <iterator>
#include <utility>

namespace sluice::compile {

Result<void> ListenerCertificates::store(const resolve::Delta& delta) {
  for (const resolve::ServedListener& listener : delta.listeners) {
    Certificates stored;
    if (listener.tls) {
      for (const resolve::ServedCertificate& certificate : listener.tls->certificates) {
        Result<secret::BlobPlace> place = file_.put(certificate.pair->pem);
        if (!place && place.error().code == Errc::kConflict) continue;  // a forged hash: not served
        if (!place) {
          retire(std::move(stored));
          return propagate(std::move(place), "storing the certificate of " + certificate.name);
        }
        stored.push_back({certificate.name, place->hash, place->unit, place->bytes});
      }
    }
    retire(std::exchange(next_[listener.key], std::move(stored)));
  }
  return {};
}

std::vector<table::CertificateSpec> ListenerCertificates::take(
    const resolve::ListenerKey& listener) {
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

void ListenerCertificates::retire(Certificates&& certificates) {
  retired_.insert(retired_.end(), std::make_move_iterator(certificates.begin()),
                  std::make_move_iterator(certificates.end()));
}

void ListenerCertificates::release(std::uint64_t now_ms) {
  for (const table::CertificateSpec& certificate : std::exchange(retired_, {})) {
    file_.remove(certificate.hash, now_ms);
  }
}

}  // namespace sluice::compile
