#include "controller/certificates/key_pair.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "shared/base/hash.h"

namespace sluice::certificates {

namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

void free_chain(STACK_OF(X509) * chain) {
  sk_X509_pop_free(chain, X509_free);
}

using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Chain = std::unique_ptr<STACK_OF(X509), Freer<free_chain>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is there to be asked.
int no_password(char*, int, int, void*) {
  return -1;
}

// OpenSSL's word for the first thing that went wrong.
std::string openssl_problem() {
  const unsigned long error = ERR_peek_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL refuses it" : reason;
}

// The first certificate and those behind it. Fails: the problem.
std::string read_certificates(std::string_view pem, Certificate& leaf, Chain& chain) {
  const Bio bio = reader_of(pem);
  leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  if (leaf == nullptr) {
    const bool none = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const std::string problem = openssl_problem();
    return none ? "holds no certificate in PEM form" : "the certificate can't be read: " + problem;
  }
  chain.reset(sk_X509_new_null());
  for (int number = 2;; ++number) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (next != nullptr) {
      sk_X509_push(chain.get(), next.release());
      continue;
    }
    const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const std::string problem = openssl_problem();
    if (end) return "";
    return "certificate " + std::to_string(number) + " can't be read: " + problem;
  }
}

std::string read_key(std::string_view pem, Key& key) {
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return "holds no private key in PEM form";
  }
  const Bio bio = reader_of(pem);
  key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    ERR_clear_error();  // its words may quote what it read
    return pem.find("ENCRYPTED") == std::string_view::npos
               ? "the private key can't be read"
               : "the private key is encrypted; it must be stored without a password";
  }
  const int type = EVP_PKEY_get_base_id(key.get());
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC) return "";
  const char* const name = OBJ_nid2sn(type);
  return std::string("the private key is of type ") + (name == nullptr ? "unknown" : name) +
         "; RSA and ECDSA are served";
}

// Whether OpenSSL would serve it.
std::string try_out(X509* leaf, STACK_OF(X509) * chain, EVP_PKEY* key) {
  if (X509_check_private_key(leaf, key) != 1) {
    ERR_clear_error();
    return "tls.key: is not the key of the first certificate in tls.crt";
  }
  const Context context(SSL_CTX_new(TLS_server_method()));
  if (context != nullptr && SSL_CTX_use_cert_and_key(context.get(), leaf, key, chain, 1) == 1) {
    return "";
  }
  return "tls.crt: " + openssl_problem();
}

std::shared_ptr<const KeyPair> write(X509* leaf, const STACK_OF(X509) * chain, EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  bool written = PEM_write_bio_X509(bio.get(), leaf) == 1;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    written = written && PEM_write_bio_X509(bio.get(), sk_X509_value(chain, i)) == 1;
  }
  written = written && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr,
                                                     nullptr) == 1;
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  if (!written || size <= 0) return nullptr;
  auto pair = std::make_shared<KeyPair>();
  pair->pem.assign(bytes, static_cast<std::size_t>(size));
  pair->hash = content_hash128(pair->pem);
  return pair;
}

CheckedKeyPair refuse(std::string problem) {
  return {nullptr, std::move(problem)};
}

}  // namespace

KeyPair::~KeyPair() {
  OPENSSL_cleanse(pem.data(), pem.size());
}

CheckedKeyPair check_key_pair(std::string_view certificates_pem, std::string_view key_pem) {
  ERR_clear_error();
  Certificate leaf;
  Chain chain;
  Key key;
  if (std::string problem = read_certificates(certificates_pem, leaf, chain); !problem.empty()) {
    return refuse("tls.crt: " + problem);
  }
  if (std::string problem = read_key(key_pem, key); !problem.empty()) {
    return refuse("tls.key: " + problem);
  }
  if (std::string problem = try_out(leaf.get(), chain.get(), key.get()); !problem.empty()) {
    return refuse(std::move(problem));
  }
  auto pair = write(leaf.get(), chain.get(), key.get());
  if (pair == nullptr) return refuse("tls.crt: " + openssl_problem());
  return {std::move(pair), ""};
}

std::string cipher_list_problem(const std::string& list) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_server_method()));
  if (context != nullptr && SSL_CTX_set_cipher_list(context.get(), list.c_str()) == 1) return "";
  return openssl_problem();
}

}  // namespace sluice::certificates
