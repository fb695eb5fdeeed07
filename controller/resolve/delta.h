// What resolving one batch changed: the input of compile and status. Values only.
//
// Everything is keyed by identity, so applying the same Delta twice changes nothing, and "removed"
// needs only the key.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/certificates/key_pair.h"
#include "controller/model/backend_tls_policy.h"
#include "controller/model/gateway.h"
#include "controller/model/http_route.h"
#include "controller/model/object.h"
#include "controller/resolve/finding.h"
#include "shared/http/ip_network.h"

namespace sluice::resolve {

// A listener of a Gateway: its own, or one of a ListenerSet that joins it.
struct ListenerKey {
  model::ObjectName gateway;
  std::string listener;
  model::ObjectName set = {};  // empty: the Gateway's own
  auto operator<=>(const ListenerKey&) const = default;

  bool is_own() const { return set.name.empty(); }

  model::ObjectKey owner() const {
    return is_own() ? model::ObjectKey{model::Kind::kGateway, gateway}
                    : model::ObjectKey{model::Kind::kListenerSet, set};
  }

  // Unique in the Gateway: "http", or "namespace/listenerset/http".
  std::string name() const { return is_own() ? listener : set.text() + "/" + listener; }

  std::string text() const { return gateway.text() + "/" + name(); }
};

enum class Transport : std::uint8_t { kTcp, kUdp };

// An address and port to listen on. address: canonical text ("0.0.0.0", "::", "10.0.0.1"), port:
// the one to open.
struct Socket {
  std::string address;
  std::uint16_t port = 0;
  Transport transport = Transport::kTcp;
  auto operator<=>(const Socket&) const = default;
  std::string text() const;  // "0.0.0.0:8080", "[::]:8080", "0.0.0.0:5300/udp"
};

// What a listener does with a connection.
enum class ListenerMode : std::uint8_t {
  kHttp,            // HTTP and HTTPS
  kTlsPassthrough,  // TLSRoute, by the name that the client asks for
  kTlsTerminate,    // TLSRoute behind a handshake of our own
  kTcp,             // TCPRoute
  kUdp,             // UDPRoute, by session
};

// A certificate chain with its key. Two are the same when name and content are.
struct ServedCertificate {
  std::string name;  // "namespace/name" of the Secret
  std::shared_ptr<const certificates::KeyPair> pair;

  bool operator==(const ServedCertificate& other) const {
    return name == other.name && pair->hash == other.pair->hash;
  }
};

// Whose certificates clients must have. Two are the same when the content is.
struct ServedClientValidation {
  std::string names;  // of the ConfigMaps ("namespace/name") and ClusterTrustBundles
  std::shared_ptr<const std::string> pem;  // the certificates of the authorities
  bool insecure_fallback = false;          // clients without a good one go on as well

  bool operator==(const ServedClientValidation& other) const {
    return names == other.names && insecure_fallback == other.insecure_fallback &&
           *pem == *other.pem;
  }
};

struct ServedTls {
  std::vector<ServedCertificate> certificates;  // in the user's order
  bool only_tls13 = false;
  std::string ciphers;                                 // of TLS 1.2; empty: the data plane's own
  std::optional<ServedClientValidation> clients = {};  // none: they are not asked
  bool operator==(const ServedTls&) const = default;
};

// What GatewayParameters say of the requests on a listener. A limit of 0 is none.
struct ServedOptions {
  std::vector<http::IpNetwork> trusted_proxies;
  std::uint64_t max_body_bytes = 0;
  std::uint32_t max_header_bytes = 0;
  std::uint32_t max_uri_bytes = 0;
  bool operator==(const ServedOptions&) const = default;
};

// A listener that takes part in serving. hostname: lower case, "" = any, "*.example.com" =
// wildcard.
struct ServedListener {
  ListenerKey key;
  std::string hostname;
  std::uint16_t port = 0;                                    // of the Gateway
  std::uint16_t client_port = 0;                             // port + --port-offset
  std::vector<Socket> sockets;                               // sorted
  std::optional<ServedTls> tls = {};                         // of HTTPS and kTlsTerminate
  std::optional<ServedCertificate> client_certificate = {};  // what backends behind TLS see
  ServedOptions options = {};
  bool proxy_protocol = false;          // the same for all listeners of a socket
  bool backend_proxy_protocol = false;  // what it relays to backends begins with a header
  ListenerMode mode = ListenerMode::kHttp;
  bool operator==(const ServedListener&) const = default;
};

// Identity under which endpoints are published: "Service/ns/name:port" or "Backend/ns/name", with
// "/udp" at the end for those of UDPRoutes.
using BackendId = std::string;

enum class BackendProtocol : std::uint8_t { kHttp1, kHttp2 };

// A mirror whose backend is valid.
struct ResolvedMirror {
  BackendId backend;
  std::string name;  // "ns/name:port" for people
  BackendProtocol protocol = BackendProtocol::kHttp1;
  std::uint32_t numerator = 100;
  std::uint32_t denominator = 100;
  bool operator==(const ResolvedMirror&) const = default;
};

using ResolvedFilter =
    std::variant<model::RequestHeaderModifier, model::ResponseHeaderModifier,
                 model::RequestRedirect, model::UrlRewrite, ResolvedMirror, model::Cors>;

struct ResolvedBackendRef {
  std::uint32_t weight = 1;
  BackendId backend;  // empty: invalid, answers 500
  std::string name;   // "ns/name:port" for people
  BackendProtocol protocol = BackendProtocol::kHttp1;
  std::vector<ResolvedFilter> filters = {};
  bool operator==(const ResolvedBackendRef&) const = default;
};

struct ResolvedRule {
  std::string name;
  std::vector<model::HttpRouteMatch> matches;
  std::vector<ResolvedBackendRef> backends;
  std::vector<ResolvedFilter> filters = {};
  model::RouteTimeouts timeouts = {};
  std::optional<model::RouteRetry> retry = {};
  bool operator==(const ResolvedRule&) const = default;
};

// The listeners and original route hostnames under which a route's rules are served. hostnames:
// those of the route that intersect the listener's, lower case; exactly {""} when the route has
// none.
struct Attachment {
  ListenerKey listener;
  std::vector<std::string> hostnames;
  bool operator==(const Attachment&) const = default;
};

// A TLSRoute, TCPRoute or UDPRoute has rules of one match each, the default one, which everything
// matches; of several routes on one hostname of a listener the oldest serves, as precedence has it.
struct ServedRoute {
  model::ObjectKey key;
  std::optional<std::int64_t> created;
  std::vector<Attachment> attachments;
  std::vector<ResolvedRule> rules;
  bool operator==(const ServedRoute&) const = default;
};

// address: IPv4 or IPv6 text, or a unix path (port 0).
struct BackendAddress {
  std::string address;
  std::uint16_t port = 0;
  bool unix_path = false;
  auto operator<=>(const BackendAddress&) const = default;
};

// How connections to a backend are secured, as its BackendTLSPolicy says. It is not for connections
// of kTlsPassthrough listeners, which are secured already.
struct ServedBackendTls {
  bool usable = true;  // false: no connection may be made
  bool system_certificates = false;
  std::string hostname;
  std::vector<model::PolicySubjectAltName> subject_alt_names;
  std::string ca_certificates;  // PEM
  bool operator==(const ServedBackendTls&) const = default;
};

struct ServedBackend {
  BackendId id;
  std::vector<BackendAddress> addresses;     // sorted, without doubles; only ready ones
  std::optional<ServedBackendTls> tls = {};  // none: in plain text
  bool operator==(const ServedBackend&) const = default;
};

struct Delta {
  std::vector<ServedListener> listeners;
  std::vector<ListenerKey> listeners_gone;
  std::vector<ServedRoute> routes;
  std::vector<model::ObjectKey> routes_gone;
  std::vector<ServedBackend> backends;
  std::vector<BackendId> backends_gone;
  std::vector<SharedFindings> findings;         // objects whose findings changed; not null
  std::vector<model::ObjectKey> findings_gone;  // objects that are gone or no longer ours

  bool empty() const {
    return listeners.empty() && listeners_gone.empty() && routes.empty() && routes_gone.empty() &&
           backends.empty() && backends_gone.empty() && findings.empty() && findings_gone.empty();
  }
};

}  // namespace sluice::resolve
