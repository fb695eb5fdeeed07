#include "ngx_module/tls/handshake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "ngx_module/core/server_name.h"
#include "ngx_module/core/socket_name.h"
#include "ngx_module/listen/core_conf.h"
#include "ngx_module/listen/worker.h"
#include "ngx_module/tls/blob_cache.h"
#include "ngx_module/tls/certificate.h"
#include "ngx_module/tls/client_authorities.h"
#include "shared/base/hash.h"
#include "shared/match/matcher.h"

namespace sluice::tls {

namespace {

constexpr std::size_t kMaxCertificates = 64;
constexpr std::size_t kMaxCipherBytes = 4096;
constexpr int kMaxRepeats = 4;  // when memory was reused under a worker that was stopped meanwhile
constexpr ngx_msec_t kSweepMs = 10000;

// Which listener a handshake was with. In the connection's pool.
struct Chosen {
  std::uint64_t identity[2];
};

// What the table says about the listener, copied.
struct Terms {
  table::ListenerTls tls;
  std::array<secret::BlobPlace, kMaxCertificates> certificates;
  std::size_t count = 0;
  secret::BlobPlace authorities;                  // of clients, where they are validated
  std::array<char, kMaxCipherBytes + 1> ciphers;  // ends with a zero; empty: the template's
};

struct Caches {
  BlobCache<Certificate, parse_certificate> certificates;
  BlobCache<ClientAuthorities, parse_client_authorities> authorities;
};

// In the process, not in static objects with destructors: nginx may unload the library.
int chosen_index = -1;
Caches* known = nullptr;
ngx_event_t sweep_event;
ngx_connection_t sweep_connection;

void sweep(ngx_event_t* event) {
  known->certificates.drop_unused(ngx_current_msec);
  known->authorities.drop_unused(ngx_current_msec);
  const bool empty = known->certificates.empty() && known->authorities.empty();
  if (!empty) ngx_add_timer(event, kSweepMs);
}

Caches& caches() {
  if (known == nullptr) {
    known = new Caches;
    sweep_connection.fd = static_cast<ngx_socket_t>(-1);
    sweep_event.data = &sweep_connection;
    sweep_event.log = ngx_cycle->log;
    sweep_event.handler = sweep;
    sweep_event.cancelable = 1;  // never delays a graceful exit
  }
  if (!sweep_event.timer_set) ngx_add_timer(&sweep_event, kSweepMs);
  return *known;
}

secret::BlobPlace place_of(const table::CertificateRef& ref) {
  return {ref.unit, ref.bytes, {ref.hash[0], ref.hash[1]}};
}

bool read_terms(const table::Reader& reader, const match::GroupKey& group, std::string_view host,
                table::ListenerMode mode, Terms& terms) {
  table::Listener listener{};
  if (!match::find_listener(reader, group, host, listener) || listener.mode != mode) return false;
  const auto tls = reader.read<table::ListenerTls>(listener.tls);
  if (!tls) return false;
  terms.tls = *tls;
  terms.count = 0;
  for (std::uint32_t i = 0; i < tls->certificates && i < kMaxCertificates; ++i) {
    const auto ref =
        reader.read_element<table::CertificateRef>(listener.tls, sizeof(table::ListenerTls), i);
    if (!ref) break;
    terms.certificates[terms.count++] = place_of(*ref);
  }
  if (tls->client_validation != table::ClientValidation::kNone) {
    const auto ref = reader.read_element<table::CertificateRef>(
        listener.tls, sizeof(table::ListenerTls), tls->certificates);
    if (!ref) return false;
    terms.authorities = place_of(*ref);
  }
  terms.ciphers[0] = '\0';
  if (tls->ciphers == 0) return true;
  const auto ciphers = reader.text(tls->ciphers, 0, tls->ciphers_bytes);
  if (!ciphers || ciphers->size() > kMaxCipherBytes) return false;
  std::memcpy(terms.ciphers.data(), ciphers->data(), ciphers->size());
  terms.ciphers[ciphers->size()] = '\0';
  return true;
}

// Fails (false): no listener of that mode with that hostname.
bool find_terms(ngx_connection_t* c, listen::Worker& worker, std::string_view host,
                table::ListenerMode mode, Terms& terms) {
  if (ngx_connection_local_sockaddr(c, nullptr, 0) != NGX_OK) return false;
  const auto key = core::socket_key(c->local_sockaddr);
  if (!key) return false;
  match::GroupKey group;
  group.socket = *key;
  for (int i = 0; i < kMaxRepeats; ++i) {
    const arena::Snapshot snapshot = worker.table()->enter();
    const bool found = read_terms(table::Reader(snapshot), group, host, mode, terms);
    if (worker.table()->unmoved(snapshot)) return found;
  }
  return false;
}

// Of each type of key the first certificate for the name, else the first one.
bool use_certificates(SSL* ssl, listen::Worker& worker, const Terms& terms, std::string_view host) {
  struct Choice {
    int type = 0;
    bool for_name = false;
    const Certificate* certificate = nullptr;
  };

  std::array<Choice, 2> choices;  // RSA and ECDSA
  auto& certificates = caches().certificates;
  for (const secret::BlobPlace& place : std::span(terms.certificates).first(terms.count)) {
    const Certificate* const certificate = certificates.find(
        place, ngx_current_msec,
        [&worker](const secret::BlobPlace& wanted) { return worker.read_secret(wanted); });
    if (certificate == nullptr) continue;
    const int type = EVP_PKEY_get_base_id(certificate->key);
    const bool for_name = !host.empty() && X509_check_host(certificate->leaf, host.data(),
                                                           host.size(), 0, nullptr) == 1;
    for (Choice& choice : choices) {
      if (choice.certificate != nullptr && choice.type != type) continue;
      if (choice.certificate == nullptr || (for_name && !choice.for_name)) {
        choice = {type, for_name, certificate};
      }
      break;
    }
  }
  bool any = false;
  for (const Choice& choice : choices) {
    if (choice.certificate == nullptr) continue;
    any |= SSL_use_cert_and_key(ssl, choice.certificate->leaf, choice.certificate->key,
                                choice.certificate->chain, 1) == 1;
  }
  return any;
}

bool remember(ngx_connection_t* c, SSL* ssl, const table::ListenerTls& tls) {
  auto* chosen = static_cast<Chosen*>(SSL_get_ex_data(ssl, chosen_index));
  if (chosen == nullptr) {  // else: the second hello after a HelloRetryRequest
    chosen = static_cast<Chosen*>(ngx_palloc(c->pool, sizeof(Chosen)));
    if (chosen == nullptr || SSL_set_ex_data(ssl, chosen_index, chosen) != 1) return false;
  }
  *chosen = {{tls.identity[0], tls.identity[1]}};
  return true;
}

// What a session must have been made with to be resumed.
bool bind_sessions(SSL* ssl, const Terms& terms) {
  struct Bound {
    std::uint64_t identity[2];
    std::uint64_t validation;
    std::uint64_t authorities[2];
  };

  const Bound bound{{terms.tls.identity[0], terms.tls.identity[1]},
                    static_cast<std::uint64_t>(terms.tls.client_validation),
                    {terms.authorities.hash[0], terms.authorities.hash[1]}};
  const auto context = content_hash128({reinterpret_cast<const char*>(&bound), sizeof bound});
  return SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(context.data()),
                                    sizeof context) == 1;
}

int keep_verdict(int good, X509_STORE_CTX*) {
  return good;
}

// $ssl_client_verify still says what was wrong. A signature that does not fit leaves errors behind,
// which nginx would take for those of its next read, and log.
int accept_any(int, X509_STORE_CTX*) {
  ERR_clear_error();
  return 1;
}

// Says once what became of a client that was refused. nginx's own line, which follows, would be of
// level "crit", and anybody can cause it.
void on_info(const SSL* ssl, int where, int value) {
  if (auto* const next = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl))) next(ssl, where, value);
  const bool refused =
      (where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value >> 8) == SSL3_AL_FATAL;
  auto* const c = static_cast<ngx_connection_t*>(ngx_ssl_get_connection(ssl));
  if (!refused || (value & 0xff) == SSL_AD_INTERNAL_ERROR || c->ssl->handshaked) return;
  ngx_log_error(NGX_LOG_INFO, c->log, 0, "sluice: client refused in the handshake: %s (%s)",
                SSL_alert_desc_string_long(value),
                X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  c->log->log_level = NGX_LOG_ALERT;
}

// Every call of the hello's callback says all of it anew: after a HelloRetryRequest the table may
// say something else.
bool validate_clients(SSL* ssl, listen::Worker& worker, const Terms& terms) {
  SSL_set_client_CA_list(ssl, nullptr);
  if (terms.tls.client_validation == table::ClientValidation::kNone) {
    SSL_set_verify(ssl, SSL_VERIFY_NONE, keep_verdict);
    return true;
  }
  const ClientAuthorities* const authorities = caches().authorities.find(
      terms.authorities, ngx_current_msec,
      [&worker](const secret::BlobPlace& wanted) { return worker.read_secret(wanted); });
  if (authorities == nullptr || SSL_set1_verify_cert_store(ssl, authorities->store) != 1) {
    return false;
  }
  if (terms.tls.client_validation == table::ClientValidation::kAllowInsecureFallback) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, accept_any);
    return true;
  }
  SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, keep_verdict);
  SSL_set_info_callback(ssl, on_info);
  STACK_OF(X509_NAME)* const names = SSL_dup_CA_list(authorities->names);
  if (names == nullptr) return false;
  SSL_set_client_CA_list(ssl, names);
  return true;
}

bool apply(ngx_connection_t* c, SSL* ssl, const Terms& terms) {
  if (!bind_sessions(ssl, terms)) return false;
  if (terms.tls.min_version == table::TlsVersion::kTls13 &&
      SSL_set_min_proto_version(ssl, TLS1_3_VERSION) != 1) {
    return false;
  }
  if (terms.ciphers[0] != '\0' && SSL_set_cipher_list(ssl, terms.ciphers.data()) != 1) return false;
  return remember(c, ssl, terms.tls);
}

std::string_view asked_name(SSL* ssl, std::array<char, http::kMaxHostBytes>& buffer) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1) return {};
  return core::server_name({reinterpret_cast<const char*>(bytes), size}, buffer);
}

int refuse(int* alert, int why) {
  *alert = why;
  return SSL_CLIENT_HELLO_ERROR;
}

int on_client_hello(SSL* ssl, int* alert, void* data) {
  const auto mode = *static_cast<const table::ListenerMode*>(data);
  auto* const c = static_cast<ngx_connection_t*>(ngx_ssl_get_connection(ssl));
  if (c->ssl->handshaked) return refuse(alert, SSL_AD_NO_RENEGOTIATION);
  listen::Worker* const worker = listen::Worker::current();
  if (worker == nullptr || worker->table_for_request() == nullptr) {
    return refuse(alert, SSL_AD_INTERNAL_ERROR);
  }
  std::array<char, http::kMaxHostBytes> buffer;
  const std::string_view host = asked_name(ssl, buffer);
  Terms terms;
  if (!find_terms(c, *worker, host, mode, terms)) return refuse(alert, SSL_AD_UNRECOGNIZED_NAME);
  if (!use_certificates(ssl, *worker, terms, host)) {
    ngx_log_error(NGX_LOG_ERR, c->log, 0, "sluice: no certificate of the listener can be read");
    return refuse(alert, SSL_AD_INTERNAL_ERROR);
  }
  if (!validate_clients(ssl, *worker, terms)) {
    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "sluice: the authorities of the listener's clients can't be read");
    return refuse(alert, SSL_AD_INTERNAL_ERROR);
  }
  if (!apply(c, ssl, terms)) return refuse(alert, SSL_AD_INTERNAL_ERROR);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Whether a handshake of nginx's own ended with a client's certificate that it trusts.
bool nginx_verified(const SSL* ssl) {
  return ssl != nullptr && SSL_get0_peer_certificate(ssl) != nullptr &&
         SSL_get_verify_result(ssl) == X509_V_OK;
}

}  // namespace

bool use_table(SSL_CTX* context, Serving serving) {
  static table::ListenerMode modes[] = {table::ListenerMode::kHttp,
                                        table::ListenerMode::kTlsTerminate};
  if (chosen_index == -1) {
    chosen_index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    if (chosen_index == -1) return false;
  }
  SSL_CTX_set_client_hello_cb(context, on_client_hello, &modes[static_cast<int>(serving)]);
  // nginx would load the certificate that the template had to name.
  SSL_CTX_set_cert_cb(context, nullptr, nullptr);
  return true;
}

bool set_up(ngx_conf_t* cf) {
  const auto* const main = static_cast<const ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  if (main->ports == nullptr) return true;
  const std::span ports(static_cast<const ngx_http_conf_port_t*>(main->ports->elts),
                        main->ports->nelts);
  for (const ngx_http_conf_port_t& port : ports) {
    const std::span addresses(static_cast<const ngx_http_conf_addr_t*>(port.addrs.elts),
                              port.addrs.nelts);
    for (const ngx_http_conf_addr_t& address : addresses) {
      if (!listen::is_template(address.opt.addr_text) || !address.opt.ssl) continue;
      const auto* const conf = static_cast<const ngx_http_ssl_srv_conf_t*>(
          address.default_server->ctx->srv_conf[ngx_http_ssl_module.ctx_index]);
      if (conf->ssl.ctx != nullptr && !use_table(conf->ssl.ctx, Serving::kRequests)) return false;
    }
  }
  return true;
}

Fit check(const ngx_connection_t* c, const table::Reader& reader, const table::Listener& listener) {
  SSL* const ssl = c->ssl == nullptr ? nullptr : c->ssl->connection;
  const auto* const chosen = ssl == nullptr || chosen_index == -1
                                 ? nullptr
                                 : static_cast<const Chosen*>(SSL_get_ex_data(ssl, chosen_index));
  if (chosen == nullptr && listener.tls == 0) return Fit::kFits;
  const auto tls = reader.read<table::ListenerTls>(listener.tls);
  if (!tls) return Fit::kOtherListener;
  if (chosen == nullptr) {
    const bool strict = tls->client_validation == table::ClientValidation::kAllowValidOnly;
    return !strict || nginx_verified(ssl) ? Fit::kFits : Fit::kOtherListener;
  }
  const bool same = std::memcmp(tls->identity, chosen->identity, sizeof tls->identity) == 0;
  return same ? Fit::kFits : Fit::kOtherListener;
}

}  // namespace sluice::tls
