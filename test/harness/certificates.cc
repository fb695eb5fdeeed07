#include "test/harness/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>

namespace sluice {

namespace {

constexpr long kYear = 365L * 24 * 3600;

EVP_PKEY* make_key(TestKey type) {
  switch (type) {
    case TestKey::kRsa2048:
      return EVP_RSA_gen(2048);
    case TestKey::kRsa1024:
      return EVP_RSA_gen(1024);
    case TestKey::kEcdsa:
      return EVP_EC_gen("P-256");
    case TestKey::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  std::abort();
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void add_name(X509* certificate, const std::string& name) {
  const std::string value = "DNS:" + name;
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TestCertificate make_certificate(const std::string& name, TestKey type) {
  EVP_PKEY* const key = make_key(type);
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), std::rand());
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kYear);
  X509_set_pubkey(certificate, key);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const auto* const common_name = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  add_name(certificate, name);
  if (X509_sign(certificate, key, type == TestKey::kEd25519 ? nullptr : EVP_sha256()) == 0) {
    std::abort();
  }
  BIO* const certificate_bio = BIO_new(BIO_s_mem());
  BIO* const key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_bio), text_of(key_bio)};
}

std::string encrypt_key(const std::string& key) {
  BIO* const in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* const parsed = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  BIO* const out = BIO_new(BIO_s_mem());
  char password[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(out, parsed, EVP_aes_256_cbc(), password, sizeof password - 1,
                                nullptr, nullptr);
  EVP_PKEY_free(parsed);
  return text_of(out);
}

}  // namespace sluice
