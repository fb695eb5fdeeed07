// Which certificates listeners use in the file `secret`, so that each stays there as long as a
// published table names it.
//
//   store(delta)            before the commit: new certificates are written
//   take(listener)          while listeners are marked: what its record names
//   leave(listener)         the listener is gone
//   release(now)            after the commit: what only the table before named may go
//
// Process: controller, sluicectl.   Thread: event loop.
// Fails: store() when the file has no room; the listeners before keep theirs, and store() may be
// called again. Tested by: test/unit/controller/compile/listener_certificates_test.cc
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "controller/resolve/delta.h"
#include "shared/base/result.h"
#include "shared/secret/secret_file.h"
#include "shared/table/editor.h"

namespace sluice::compile {

class ListenerCertificates {
 public:
  explicit ListenerCertificates(secret::SecretFile& file) : file_(file) {}

  Result<void> store(const resolve::Delta& delta);
  std::vector<table::CertificateSpec> take(const resolve::ListenerKey& listener);
  void leave(const resolve::ListenerKey& listener);
  void release(std::uint64_t now_ms);

 private:
  using Certificates = std::vector<table::CertificateSpec>;

  void retire(Certificates&& certificates);

  secret::SecretFile& file_;
  std::map<resolve::ListenerKey, Certificates> next_;    // stored, not marked yet
  std::map<resolve::ListenerKey, Certificates> in_use_;  // by the table, or by what is marked
  Certificates retired_;
};

}  // namespace sluice::compile
