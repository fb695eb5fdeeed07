// A certificate with its chain and key as OpenSSL wants them.
//
// Process: nginx worker.   Allocates: heap.   Tested by: test/e2e/test_https.py
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

namespace sluice::tls {

struct Certificate {
  X509* leaf = nullptr;
  STACK_OF(X509) * chain = nullptr;  // without the leaf
  EVP_PKEY* key = nullptr;

  Certificate() = default;
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate();
};

// The blob's bytes: the chain, the leaf first, then the key, in PEM. Null when that is not so.
std::unique_ptr<Certificate> parse_certificate(std::string_view pem);

}  // namespace sluice::tls
