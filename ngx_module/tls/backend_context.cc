#include "ngx_module/tls/backend_context.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "ngx_module/listen/worker.h"
#include "ngx_module/tls/certificate.h"
#include "shared/table/part_reader.h"

namespace sluice::tls {

namespace {

constexpr std::size_t kMaxContexts = 1024;  // of one worker; those in use are never dropped
constexpr ngx_msec_t kUnusedMs = 60000;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

template <class Text>
struct BasicKey {
  table::BackendProtocol protocol;
  secret::BlobHash client_certificate;
  Text record;
};

using Key = BasicKey<std::string>;
using KeyView = BasicKey<std::string_view>;

struct KeyLess {
  using is_transparent = void;

  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return std::tuple(a.protocol, a.client_certificate, std::string_view(a.record)) <
           std::tuple(b.protocol, b.client_certificate, std::string_view(b.record));
  }
};

using Contexts = std::map<Key, std::unique_ptr<BackendContext>, KeyLess>;

Contexts& contexts() {
  static Contexts all;
  return all;
}

// A policy that changes often leaves many behind.
void drop_unused() {
  const ngx_msec_t least = contexts().size() < kMaxContexts ? kUnusedMs : 0;
  for (auto it = contexts().begin(); it != contexts().end();) {
    it = it->second->is_unused_for(least) ? contexts().erase(it) : std::next(it);
  }
}

// The system's certificates, read once: hundreds of them take tens of milliseconds. Null: none.
X509_STORE* system_store() {
  static X509_STORE* store = nullptr;
  if (store != nullptr) return store;
  X509_STORE* const fresh = X509_STORE_new();
  if (fresh != nullptr && X509_STORE_set_default_paths(fresh) == 1) return store = fresh;
  X509_STORE_free(fresh);
  return nullptr;
}

bool has_uri(X509* certificate, const std::string& wanted) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const uri = name->d.uniformResourceIdentifier;
    const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri));
    found = std::string_view(bytes, static_cast<std::size_t>(ASN1_STRING_length(uri))) == wanted;
  }
  GENERAL_NAMES_free(names);
  return found;
}

}  // namespace

// What a backend's certificate must say: one of these.
struct BackendContext::Names {
  std::vector<std::string> dns;
  std::vector<std::string> uris;

  bool fit(X509* certificate) const {
    const auto is_host = [certificate](const std::string& name) {
      return X509_check_host(certificate, name.data(), name.size(),
                             X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
    };
    const auto is_uri = [certificate](const std::string& uri) { return has_uri(certificate, uri); };
    return std::ranges::any_of(dns, is_host) || std::ranges::any_of(uris, is_uri);
  }

  static int verify(X509_STORE_CTX* store, void* data) {
    if (X509_verify_cert(store) <= 0) return 0;
    if (static_cast<const Names*>(data)->fit(X509_STORE_CTX_get0_cert(store))) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
  }

  static void free(void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Names*>(data);
  }
};

BackendContext* BackendContext::find(const BackendIdentity& identity) {
  const auto found = contexts().find(
      KeyView{identity.protocol, identity.client_certificate.hash, identity.record});
  return found == contexts().end() ? nullptr : found->second.get();
}

BackendContext* BackendContext::make(const BackendIdentity& identity, ngx_log_t* log) {
  static std::uint64_t next_id = 1;  // 0: plain
  std::unique_ptr<BackendContext> context(new BackendContext);
  context->id_ = next_id++;
  if (!context->read(identity.record) || !context->set_up(identity.protocol, log) ||
      !context->present(identity.client_certificate)) {
    ngx_log_error(NGX_LOG_ERR, log, 0, "sluice: TLS to a backend can't be set up");
    return nullptr;
  }
  drop_unused();
  auto& place = contexts()[Key{identity.protocol, identity.client_certificate.hash,
                               std::string(identity.record)}];
  place = std::move(context);
  return place.get();
}

void BackendContext::hold() {
  ++users_;
  used_ms_ = ngx_current_msec;
}

bool BackendContext::is_unused_for(ngx_msec_t ms) const {
  return users_ == 0 && ngx_current_msec - used_ms_ >= ms;
}

BackendContext::~BackendContext() {
  SSL_SESSION_free(session_);
  SSL_CTX_free(ssl_.ctx);
}

bool BackendContext::read(std::string_view record) {
  table::BackendTls head;
  if (record.size() < sizeof head) return false;
  std::memcpy(&head, record.data(), sizeof head);
  if (head.usable == 0) return false;
  record_ = record;
  system_certificates_ = head.system_certificates != 0;
  names_ = std::make_unique<Names>();
  table::PartReader parts(std::string_view(record_).substr(sizeof head), head.parts);
  while (const auto part = parts.next()) {
    if (part->kind == table::PartKind::kHostname) hostname_ = part->value;
    if (part->kind == table::PartKind::kDnsName) names_->dns.emplace_back(part->value);
    if (part->kind == table::PartKind::kUri) names_->uris.emplace_back(part->value);
    if (part->kind == table::PartKind::kCaCertificates) ca_certificates_ = part->value;
  }
  // With alternative names the hostname authenticates nobody.
  if (names_->dns.empty() && names_->uris.empty()) names_->dns.push_back(hostname_);
  return !parts.broken() && !hostname_.empty();
}

bool BackendContext::set_up(table::BackendProtocol protocol, ngx_log_t* log) {
  static const int names_index =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, Names::free);
  ssl_.log = ngx_cycle->log;
  if (ngx_ssl_create(&ssl_, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, nullptr) != NGX_OK) return false;
  if (!trust(log)) return false;
  SSL_CTX_set_verify(ssl_.ctx, SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_set_ex_data(ssl_.ctx, names_index, names_.get()) != 1) return false;
  SSL_CTX_set_cert_verify_callback(ssl_.ctx, Names::verify, names_.release());
  if (protocol == table::BackendProtocol::kHttp2) {
    constexpr unsigned char kH2[] = {2, 'h', '2'};
    if (SSL_CTX_set_alpn_protos(ssl_.ctx, kH2, sizeof kH2) != 0) return false;
  }
  return ngx_ssl_client_session_cache(nullptr, &ssl_, 1) == NGX_OK;
}

// What a backend sees that asks for a certificate.
bool BackendContext::present(const secret::BlobPlace& client_certificate) {
  if (client_certificate.bytes == 0) return true;
  const listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr) return false;
  const Result<secret::Bytes> pem = worker->read_secret(client_certificate);
  const std::unique_ptr<Certificate> parsed = pem ? parse_certificate(pem->view()) : nullptr;
  return parsed != nullptr &&
         SSL_CTX_use_cert_and_key(ssl_.ctx, parsed->leaf, parsed->key, parsed->chain, 1) == 1;
}

bool BackendContext::trust(ngx_log_t* log) {
  if (system_certificates_) {
    X509_STORE* const system = system_store();
    if (system == nullptr) {
      ngx_ssl_error(NGX_LOG_ERR, log, 0, const_cast<char*>("X509_STORE_set_default_paths()"));
      return false;
    }
    SSL_CTX_set1_cert_store(ssl_.ctx, system);
    return true;
  }
  const std::unique_ptr<BIO, BioFree> pem(
      BIO_new_mem_buf(ca_certificates_.data(), static_cast<int>(ca_certificates_.size())));
  X509_STORE* const store = SSL_CTX_get_cert_store(ssl_.ctx);
  std::size_t added = 0;
  while (const std::unique_ptr<X509, CertificateFree> certificate{
      PEM_read_bio_X509_AUX(pem.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, certificate.get()) == 1) ++added;
  }
  ERR_clear_error();  // the end of the text is one
  return added > 0;
}

void BackendContext::apply(ngx_http_upstream_conf_t& conf, ngx_http_upstream_t& u) {
  conf.ssl = &ssl_;
  conf.ssl_name = nullptr;
  conf.ssl_server_name = 1;
  conf.ssl_verify = 0;  // done while the handshake runs
  conf.ssl_session_reuse = 1;
#if (nginx_version >= 1019004)
  conf.ssl_certificate = nullptr;
#endif
  u.ssl = 1;
  u.ssl_name = ngx::str(hostname_);
}

bool BackendContext::begin(ngx_connection_t* c) {
  if (ngx_ssl_create_connection(&ssl_, c, NGX_SSL_CLIENT) != NGX_OK) return false;
  return SSL_set_tlsext_host_name(c->ssl->connection, hostname_.c_str()) == 1;
}

bool BackendContext::begin_instead(ngx_connection_t* c) {
  const auto save_session = c->ssl->save_session;
  SSL_free(c->ssl->connection);
  c->ssl = nullptr;
  if (!begin(c)) return false;
  c->ssl->save_session = save_session;
  return true;
}

ngx_int_t BackendContext::offer_session(ngx_connection_t* c) {
  return session_ == nullptr ? NGX_OK : ngx_ssl_set_session(c, session_);
}

void BackendContext::save_session(ngx_connection_t* c) {
  SSL_SESSION* const fresh = ngx_ssl_get_session(c);
  if (fresh == nullptr) return;
  SSL_SESSION_free(session_);
  session_ = fresh;
}

}  // namespace sluice::tls
