#include "ngx_module/tls/client_authorities.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstddef>
#include <new>

namespace sluice::tls {

namespace {

// Clients that get a longer list than they expect end the handshake.
constexpr std::size_t kMaxNamesBytes = 8192;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

void clear(STACK_OF(X509_NAME) * names) {
  while (sk_X509_NAME_num(names) > 0)
    X509_NAME_free(sk_X509_NAME_pop(names));
}

bool add_name(STACK_OF(X509_NAME) * names, const X509* certificate, std::size_t& bytes) {
  X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(certificate));
  if (name == nullptr) return false;
  bytes += static_cast<std::size_t>(i2d_X509_NAME(name, nullptr));
  if (sk_X509_NAME_push(names, name) != 0) return true;
  X509_NAME_free(name);
  return false;
}

}  // namespace

ClientAuthorities::~ClientAuthorities() {
  X509_STORE_free(store);
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

std::unique_ptr<ClientAuthorities> parse_client_authorities(std::string_view pem) {
  const std::unique_ptr<BIO, BioFree> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::unique_ptr<ClientAuthorities> parsed(new (std::nothrow) ClientAuthorities);
  if (bio == nullptr || parsed == nullptr) return nullptr;
  parsed->store = X509_STORE_new();
  parsed->names = sk_X509_NAME_new_null();
  if (parsed->store == nullptr || parsed->names == nullptr) return nullptr;
  ERR_clear_error();
  std::size_t bytes = 0;
  bool any = false;
  while (const std::unique_ptr<X509, CertificateFree> certificate{
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    any = true;
    if (X509_STORE_add_cert(parsed->store, certificate.get()) != 1) return nullptr;
    if (!add_name(parsed->names, certificate.get(), bytes)) return nullptr;
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (bytes > kMaxNamesBytes) clear(parsed->names);
  return any && end ? std::move(parsed) : nullptr;
}

}  // namespace sluice::tls
