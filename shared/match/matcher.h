// Chooses the rule that answers a request or a connection. The same code serves the module and
// `sluicectl explain`.
//
// A connection that is relayed (TLSRoute, TCPRoute) is matched by the same rules: it has a server
// name instead of a host, and the path "/".
//
// Order (gateway-api v1, HTTPRouteRule.matches and hostnames; conformance v1.7): the listener is
// chosen first and alone, by its hostname; then, over the original route hostnames from the most to
// the least specific: Exact path, regular expression (longer pattern first), longest prefix,
// method, number of headers, number of query parameters, oldest route, namespace/name, rule order,
// match order. A hostname whose rules all miss falls through to the next one of the same listener,
// never to another listener.
//
// Repeated header fields are compared joined with ","; of a repeated query parameter the first one
// counts (shared/http/query.h). Regular expressions must match the whole path or value.
//
// Process: nginx worker, sluicectl.   Thread: one.   Allocates: nothing, but for RE2's own caches.
// Lifetime: Match's records lead into the arena and are valid until the caller announces a new
// epoch: copy the plan at once. Cost: O(host labels + path segments + candidate rules).
// Tested by: test/unit/shared/match/matcher_test.cc, test/property/match_exhaustive_test.cc,
// test/property/match_random_test.cc
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "shared/table/editor.h"
#include "shared/table/format.h"
#include "shared/table/reader.h"

namespace sluice::match {

struct LookupContext;  // shared/match/lookup_context.h
class Trace;           // shared/match/trace.h

struct HeaderView {
  std::uint32_t name_hash;  // http::header_name_hash of the lower-case name
  std::string_view name;    // any case
  std::string_view value;
};

struct RequestView {
  std::string_view host;     // lower case, without port and trailing dot
  std::string_view path;     // normalised (shared/http/path.h), without query
  std::string_view query;    // raw, without '?'
  std::uint16_t method = 0;  // one table::MethodBit
  std::span<const HeaderView> headers;
};

// Which listeners compete: the ones of a socket, or of a named Gateway.
struct GroupKey {
  bool named = false;
  table::SocketKey socket;   // exact address first, then the unspecified address of that family
  std::string_view gateway;  // named: "namespace/name"
  std::uint16_t port = 0;    // named: a listener port; 0: the Gateway's only one
};

enum class Outcome : std::uint8_t {
  kMatched,
  kNoGroup,     // nothing listens there: 404
  kNoListener,  // no listener of the group has this hostname: 404
  kNoRule,      // 404
  kBroken,      // the table's bytes make no sense: treated as no rule, counted
};

struct Match {
  Outcome outcome = Outcome::kNoGroup;
  // Copied records; their offsets lead on through the Reader.
  table::Listener listener{};  // set from kNoRule on
  table::Shard shard{};        // set when matched, as is all below
  table::Entry entry{};
  table::Action action{};
  std::uint32_t prefix_bytes = 0;  // of the path, when a PathPrefix won: the matched prefix
};

// Returns the rule that wins. A listener that relays connections answers no request: kNoListener.
// `context` is what one worker keeps between lookups: its regexes and its scratch memory. `trace`
// may be null.
Match find_rule(const table::Reader& reader, const GroupKey& group, const RequestView& request,
                LookupContext& context, Trace* trace);

// Returns the rule that a connection is relayed by. `server_name`: of the ClientHello, in lower
// case; "" for none and for what is no TLS. A listener for HTTP, which the match then names, has no
// rules for connections: kNoRule.
Match find_relay_rule(const table::Reader& reader, const GroupKey& group,
                      std::string_view server_name, LookupContext& context, Trace* trace);

// The listener of the group that answers for `host` ("": only one without hostname does), whatever
// its rules are. False: none, and `out` holds anything.
bool find_listener(const table::Reader& reader, const GroupKey& group, std::string_view host,
                   table::Listener& out);

// What the table says of connections to a socket, or of a named Gateway. False: nothing listens
// there, and `out` holds anything.
bool find_group(const table::Reader& reader, const GroupKey& key, table::Group& out);

}  // namespace sluice::match
