#include "controller/certificates/trust_anchors.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace sluice::certificates {

namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};

struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, CertificateFree>;

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return size <= 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

}  // namespace

CheckedAnchors check_trust_anchors(std::string_view pem) {
  ERR_clear_error();
  const Bio from(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Bio to(BIO_new(BIO_s_mem()));
  int read = 0;
  while (const Certificate certificate{PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)}) {
    PEM_write_bio_X509(to.get(), certificate.get());
    ++read;
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!end) {
    return {"", "certificate " + std::to_string(read + 1) + " can't be read"};
  }
  if (read == 0) return {"", "holds no certificate in PEM form"};
  return {text_of(to.get()), ""};
}

}  // namespace sluice::certificates
