// TLS to backends: one context per way to verify them (BackendTLSPolicy), protocol and certificate
// that they see of the Gateway.
//
// A context is made from a table::BackendTls record when a worker first meets it and found again by
// the record's bytes, all of them: a wider key would let a connection that was verified by one
// policy serve another. So would one without the client certificate let a connection that was made
// in the name of one Gateway serve another. Sessions are kept in the context, so they are resumed
// under the same record only. What the id() names is never given to another context: connections
// are pooled by it.
//
// Process: nginx worker.   Thread: event loop.   Allocates: from the heap, when a record is new.
// Lifetime: between hold() and release() a context stays; one that nobody used for a minute goes
// when the next one is made. Spec: gateway-api v1 BackendTLSPolicy; RFC 9525.   Tested by:
// test/e2e/test_backend_tls.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ngx_module/listen/nginx.h"
#include "shared/secret/blob.h"
#include "shared/table/format.h"

namespace sluice::tls {

// What tells contexts apart.
struct BackendIdentity {
  std::string_view record;  // a table::BackendTls with its parts
  table::BackendProtocol protocol = table::BackendProtocol::kHttp1;
  secret::BlobPlace client_certificate;  // a length of zero: none
};

class BackendContext {
 public:
  // The one of that identity, if this worker met it; the record may lie in shared memory.
  static BackendContext* find(const BackendIdentity& identity);
  // Makes it. The record: a private copy. Null, and a line in the log, when it can't be made.
  static BackendContext* make(const BackendIdentity& identity, ngx_log_t* log);

  ~BackendContext();
  BackendContext(const BackendContext&) = delete;
  BackendContext& operator=(const BackendContext&) = delete;

  void hold();

  void release() { --users_; }

  bool is_unused_for(ngx_msec_t ms) const;

  std::uint64_t id() const { return id_; }

  // Says in `conf` and `u` that the next connection is made with this context. The context must
  // outlive the handshake.
  void apply(ngx_http_upstream_conf_t& conf, ngx_http_upstream_t& u);

  // Makes `c`, connected and without TLS so far, one of this context: the handshake is the
  // caller's. Fails (false): out of memory.
  bool begin(ngx_connection_t* c);

  // As begin(), for a connection that nginx has prepared with a context of its own and that did not
  // say a byte yet. nginx's callback for new sessions stays.
  bool begin_instead(ngx_connection_t* c);

  // What peer.set_session and peer.save_session do.
  ngx_int_t offer_session(ngx_connection_t* c);
  void save_session(ngx_connection_t* c);

 private:
  struct Names;

  BackendContext() = default;
  bool read(std::string_view record);
  bool set_up(table::BackendProtocol protocol, ngx_log_t* log);
  bool present(const secret::BlobPlace& client_certificate);
  bool trust(ngx_log_t* log);

  std::uint64_t id_ = 0;
  std::size_t users_ = 0;
  ngx_msec_t used_ms_ = 0;
  std::string record_;
  std::string hostname_;
  std::string ca_certificates_;
  bool system_certificates_ = false;
  std::unique_ptr<Names> names_;  // handed over to the SSL_CTX, which connections keep alive
  ngx_ssl_t ssl_{};
  SSL_SESSION* session_ = nullptr;
};

}  // namespace sluice::tls
