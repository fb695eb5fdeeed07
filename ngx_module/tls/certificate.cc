#include "ngx_module/tls/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <new>

namespace sluice::tls {

namespace {

constexpr std::string_view kKeyBegins = "-----BEGIN PRIVATE KEY-----";

struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

using Bio = std::unique_ptr<BIO, BioFreer>;

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_password(char*, int, int, void*) {
  return -1;
}

}  // namespace

Certificate::~Certificate() {
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  EVP_PKEY_free(key);
}

std::unique_ptr<Certificate> parse_certificate(std::string_view pem) {
  const std::size_t key_at = pem.find(kKeyBegins);
  std::unique_ptr<Certificate> parsed(new (std::nothrow) Certificate);
  if (key_at == std::string_view::npos || parsed == nullptr) return nullptr;
  const Bio certificates = reader_of(pem.substr(0, key_at));
  const Bio key = reader_of(pem.substr(key_at));
  if (certificates == nullptr || key == nullptr) return nullptr;
  parsed->leaf = PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr);
  parsed->chain = sk_X509_new_null();
  while (X509* const next = PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr)) {
    if (sk_X509_push(parsed->chain, next) == 0) X509_free(next);
  }
  parsed->key = PEM_read_bio_PrivateKey(key.get(), nullptr, no_password, nullptr);
  ERR_clear_error();
  if (parsed->leaf == nullptr || parsed->chain == nullptr || parsed->key == nullptr) return nullptr;
  return parsed;
}

}  // namespace sluice::tls
