// How connections begin to listeners that end TLS, HTTPS and TLS/Terminate: the server name chooses
// the listener, the listener the certificates and what is asked of the client.
//
// All of it happens in OpenSSL's client-hello callback, before a session is looked for: so sessions
// are bound to the listener and to how it validates clients (their id context is made of its
// identity, the mode and the authorities), and one that was made with one listener, or before its
// validation changed, is never resumed with another, in TLS 1.2 either. The template's server has
// no name and no certificate of its own.
//
// A client whose certificate is not good enough is refused in the handshake: no byte of HTTP is
// read or written.
//
// Process: nginx worker; set_up() in the master.   Thread: event loop.
// Allocates: the connection's pool; certificates on the heap (blob_cache.h).
// Fails: the handshake, with an alert: unrecognized_name when no listener has that hostname,
// internal_error when there is no table or no certificate can be read.
// Tested by: test/e2e/test_https.py, test/e2e/test_client_certificates.py
#pragma once

#include <cstdint>

#include "ngx_module/listen/nginx.h"
#include "shared/table/reader.h"

namespace sluice::tls {

// What a connection is for: only listeners for that answer its handshake.
enum class Serving : std::uint8_t { kRequests, kRelays };

// Puts the callback into a template's context. Fails (false): out of memory.
bool use_table(SSL_CTX* context, Serving serving);

// Does so for the templates of http {}. After the configuration was read.
bool set_up(ngx_conf_t* cf);

// What a request's host says about the connection that it came on.
enum class Fit : std::uint8_t {
  kFits,
  kOtherListener,  // the handshake was with another listener: 421
};

// Whether `listener`, which the request's host leads to, is the one that the handshake was with.
// A connection whose handshake was not ours (a `listen ... ssl` of nginx.conf, or TLS that ended in
// front of it) fits too, but where the listener demands valid certificates: then nginx must have
// verified one.
Fit check(const ngx_connection_t* c, const table::Reader& reader, const table::Listener& listener);

}  // namespace sluice::tls
