// Which certificates, and authorities of clients, listeners use in the file `secret`, so that each
// stays there as long as a published table names it.
//
//   store(delta)            before the commit: new certificates are written
//   take(listener)          while listeners are marked: what its record names
//   leave(listener)         the listener is gone
//   release(now)            after the commit: what only the table before named may go
//
// Bytes that others have forged the hash of are not stored: a certificate is not served then, and a
// listener whose authorities they are serves none.
//
// Process: controller, sluicectl.   Thread: event loop.
// Fails: store() when the file has no room; the listeners before keep theirs, and store() may be
// called again. Tested by: test/unit/controller/compile/listener_certificates_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/resolve/delta.h"
#include "shared/base/result.h"
#include "shared/secret/secret_file.h"
#include "shared/table/editor.h"

namespace sluice::compile {

// Of one listener.
struct StoredCertificates {
  std::vector<table::CertificateSpec> served;  // in the user's order
  std::optional<table::CertificateSpec> authorities;
  std::optional<table::CertificateSpec> client_certificate;
};

class ListenerCertificates {
 public:
  explicit ListenerCertificates(secret::SecretFile& file) : file_(file) {}

  Result<void> store(const resolve::Delta& delta);
  StoredCertificates take(const resolve::ListenerKey& listener);
  void leave(const resolve::ListenerKey& listener);
  void release(std::uint64_t now_ms);

 private:
  void retire(StoredCertificates&& stored);

  secret::SecretFile& file_;
  std::map<resolve::ListenerKey, StoredCertificates> next_;    // stored, not marked yet
  std::map<resolve::ListenerKey, StoredCertificates> in_use_;  // by the table or what is marked
  std::vector<secret::BlobHash> retired_;
};

}  // namespace sluice::compile
