// The authorities by which a listener validates clients' certificates, as OpenSSL wants them.
//
// Process: nginx worker.   Allocates: heap.   Tested by: test/e2e/test_client_certificates.py
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

namespace sluice::tls {

struct ClientAuthorities {
  X509_STORE* store = nullptr;
  // What clients are told to choose their certificate by; empty where there would be too many.
  STACK_OF(X509_NAME) * names = nullptr;

  ClientAuthorities() = default;
  ClientAuthorities(const ClientAuthorities&) = delete;
  ClientAuthorities& operator=(const ClientAuthorities&) = delete;
  ~ClientAuthorities();
};

// The blob's bytes: certificates in PEM. Null when one of them can't be read, or there is none.
std::unique_ptr<ClientAuthorities> parse_client_authorities(std::string_view pem);

}  // namespace sluice::tls
