// Changes the route table by copying what a change touches, and publishes it with one store.
//
// The Editor keeps, on the heap, the rules of every (listener, route hostname) by path and in
// precedence order. A change marks nodes, commit() writes the marked ones into the arena, copies
// the bucket pages, shards and root that lead to them, and stores the root word once. Everything
// else is shared with the table before. Regular expressions: the caller publishes the pattern list
// first (put_patterns + commit), waits for the workers, then commits the rules that need it.
//
//   editor.put_listener(...); editor.put_route(...); editor.commit();
//
// Process: controller.   Thread: event loop.   Owns: the heap shadow and which blobs are live;
// borrows the Arena and EndpointTable.
// Cost: O(rules at the touched paths + table pages on the way); a table of keys that outgrows its
// lines is written again, O(its keys).
// Fails: commit() with Errc::kFull when the arena has no room: the published table stays, the
// shadow keeps the change, and a later commit() or compact() publishes it.
// Format: shared/doc/table_format.md.   Publication: shared/doc/publication.md
// Tested by: test/unit/shared/table/editor_test.cc, test/property/editor_rebuild_test.cc
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/http/ip_network.h"
#include "shared/table/format.h"
#include "shared/table/rules.h"

namespace sluice::arena {
class Arena;
}

namespace sluice::table {

class EndpointTable;

struct SocketKey {
  Family family = Family::kIpv4;
  std::uint16_t port = 0;  // the port really opened
  std::uint8_t address[16] = {};
  Transport transport = Transport::kTcp;
  auto operator<=>(const SocketKey&) const = default;
};

// A certificate chain and its key, or certificates of authorities, as they lie in the file
// `secret`.
struct CertificateSpec {
  std::string name;  // "namespace/name" of the Secret; of all sources of authorities
  std::array<std::uint64_t, 2> hash{};
  std::uint32_t unit = 0;
  std::uint32_t bytes = 0;
  bool operator==(const CertificateSpec&) const = default;
};

struct ListenerTlsSpec {
  std::vector<CertificateSpec> certificates;
  TlsVersion min_version = TlsVersion::kTls12;
  std::string ciphers;  // empty: the template's
  ClientValidation client_validation = ClientValidation::kNone;
  CertificateSpec authorities;  // of clients' certificates, unless kNone
  bool operator==(const ListenerTlsSpec&) const = default;
};

// What GatewayParameters say of the requests on a listener. A limit of 0 is none.
struct ListenerOptionsSpec {
  std::vector<http::IpNetwork> trusted_proxies;  // at most kMaxNetworks
  std::uint64_t max_body_bytes = 0;
  std::uint32_t max_header_bytes = 0;
  std::uint32_t max_uri_bytes = 0;
  bool operator==(const ListenerOptionsSpec&) const = default;
};

// A Gateway's listener as the data plane sees it. `id` is chosen by the caller, never 0, and stands
// for the identity (Gateway, listener name): an id is not reused for another identity while the
// table that knows it can be read.
struct ListenerSpec {
  std::uint32_t id = 0;
  std::string gateway;  // "namespace/name"
  std::string name;
  Host hostname;
  std::uint16_t port = 0;
  std::uint16_t client_port = 0;
  std::vector<SocketKey>
      sockets;  // the groups it is reachable in, besides its Gateway's named group
  std::optional<ListenerTlsSpec> tls;                 // of HTTPS and kTlsTerminate
  std::optional<CertificateSpec> client_certificate;  // what backends behind TLS see
  ListenerOptionsSpec options = {};
  bool proxy_protocol = false;          // the same for all listeners of a socket
  bool backend_proxy_protocol = false;  // what it relays to backends begins with a header
  ListenerMode mode = ListenerMode::kHttp;
  bool operator==(const ListenerSpec&) const = default;
};

class Editor {
 public:
  // Starts from an empty table in `arena`'s current segment. `hash_seed` must not be guessable by
  // route authors.
  Editor(arena::Arena& arena, EndpointTable& endpoints, std::uint64_t hash_seed);
  ~Editor();
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  // Replaces the listener of that id; its rules stay. Rules may come before their listener.
  void put_listener(const ListenerSpec& listener);
  // Removes the listener and all its rules.
  void remove_listener(std::uint32_t id);

  // Replaces the rules that `route` ("kind/namespace/name") contributes to (listener, hostname);
  // empty removes them. Rules that are equal to those before cost nothing.
  // REQUIRES: every rule has an action; paths, names and values are within the API's limits.
  void put_route(std::uint32_t listener, const Host& hostname, std::string_view route,
                 std::vector<Rule> rules);

  // Adds patterns to the published list and tells whether any was new. A pattern that no rule uses
  // any more leaves the list at the next commit() of rules; one that no rule has used yet stays for
  // 64 generations. Rules may use patterns that were not put: workers then compile them in a
  // request.
  bool put_patterns(std::span<const std::string> patterns);

  // Publishes everything marked as generation + 1. No mark: publishes nothing, but for the first
  // commit, which publishes even an empty table.
  Result<void> commit();

  // Writes the whole table, with what is marked, into the arena's other segment and swings the root
  // to it. Fails: as Arena::begin_compaction() and commit(); the published table stays.
  Result<void> compact();

  std::uint64_t generation() const;  // of the published root

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::table
