// Certificates and keys as OpenSSL wants them, read once per worker and content.
//
// An entry that no handshake asked for in kUnusedMs is dropped, and with it the key; so what was
// rotated away does not stay in a worker's memory. At most kMaxEntries are kept, the last used
// ones.
//
// Process: nginx worker.   Thread: event loop.   Allocates: heap, bounded by kMaxEntries.
// Fails: find() with null when the content can't be had or makes no sense.
// Tested by: test/e2e/test_https.py
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "shared/base/result.h"
#include "shared/secret/blob.h"

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

class CertificateCache {
 public:
  static constexpr std::uint64_t kUnusedMs = 60000;
  static constexpr std::size_t kMaxEntries = 4096;

  // `read(place)` copies the blob out (Result<secret::Bytes>). Valid until the next call.
  template <class Read>
  const Certificate* find(const secret::BlobPlace& place, std::uint64_t now_ms, Read&& read) {
    const auto known = entries_.find(place.hash);
    if (known != entries_.end()) {
      known->second.used_ms = now_ms;
      return known->second.certificate.get();
    }
    const Result<secret::Bytes> bytes = read(place);
    return bytes ? add(place.hash, bytes->view(), now_ms) : nullptr;
  }

  void drop_unused(std::uint64_t now_ms);

  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::unique_ptr<Certificate> certificate;
    std::uint64_t used_ms = 0;
  };

  const Certificate* add(const secret::BlobHash& hash, std::string_view pem, std::uint64_t now_ms);

  std::map<secret::BlobHash, Entry> entries_;
};

}  // namespace sluice::tls
