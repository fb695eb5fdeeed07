// The bytes of the route table: what the controller writes and every worker reads.
//
// Records are trivially copyable, standard layout, naturally aligned, little-endian. An Offset
// counts 8-byte units from the start of its segment; 0 means none. Blobs are 8-aligned; Line, Root,
// Shard and bucket pages are 64-aligned. Each gap is a named `reserved` member that is zero.
// Strings lie in the arena without a terminator and with at least kReadAhead readable bytes behind
// them. A published byte is never changed (endpoint slot words and the root word excepted).
//
// Writer: shared/table/editor.cc.   Reader: shared/table/reader.h.
// Format: shared/doc/table_format.md says the same in tables; test/checks/format_page.py compares
// both. Tested by: test/unit/shared/table/format_test.cc
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::table {

using Offset = std::uint32_t;

inline constexpr std::uint32_t kMajor = 1;     // names the directory v<major>
inline constexpr std::size_t kReadAhead = 16;  // readable bytes behind every string
inline constexpr std::size_t kMaxPathBytes =
    4096;  // of a request path that is looked up; longer is no rule
inline constexpr std::size_t kMaxHostBytes = 255;
inline constexpr std::uint32_t kMaxProbes = 8;      // lines looked at for one key, by construction
inline constexpr std::uint32_t kLinesPerPage = 64;  // a paged Tab: directory of 4 KiB pages
inline constexpr std::uint32_t kIndexedFrom =
    9;  // entries of one node and kind from which a HeaderIndex exists
inline constexpr std::uint32_t kMaxIndexNames = 1024;  // of one HeaderIndex
inline constexpr std::uint32_t kSetFrom = 8;  // path regexes of one shard that make a PatternSet
// Of a time limit: none, nginx's own limits of silence included (the user said "0s").
inline constexpr std::uint32_t kNoDeadline = 0xffffffff;
inline constexpr std::uint32_t kMaxNetworks = 256;  // of one ListenerOptions

// How a hostname matches; also the order in which shards are probed.
enum class HostKind : std::uint8_t { kExact = 0, kWildcard = 1, kAny = 2 };

// Methods of HTTPRouteMatch as bits of Entry::methods; 0 means any method.
enum MethodBit : std::uint16_t {
  kGet = 1 << 0,
  kHead = 1 << 1,
  kPost = 1 << 2,
  kPut = 1 << 3,
  kDelete = 1 << 4,
  kConnect = 1 << 5,
  kOptions = 1 << 6,
  kTrace = 1 << 7,
  kPatch = 1 << 8,
  kOtherMethod = 1 << 15,  // of a request only: a method that no match can name
};

// A hash table of 64-byte lines: key hash -> offset of a blob that repeats the key.
struct Tab {
  std::uint32_t lines;  // 0: empty
  Offset off;  // paged == 0: Line[lines]; else Offset[ceil(lines / 64)], one per 4 KiB page
  std::uint32_t entries;  // keys in it
  std::uint32_t paged;    // 0 or 1
};

static_assert(sizeof(Tab) == 16);

struct Line {
  std::uint16_t tag[10];  // low 16 bits of the key's hash, 1 instead of 0; unused pairs are zero
  Offset off[10];
  std::uint16_t count;     // used pairs, from the front
  std::uint16_t overflow;  // 1: a key that belongs here lies in a later line
};

static_assert(sizeof(Line) == 64);

struct Root {
  std::uint64_t generation;
  std::uint64_t hash_seed;
  Offset patterns;  // PatternList, or none
  std::uint32_t reserved0;
  Tab sockets;    // Group of kind kSocket, by (family, port, address)
  Tab named;      // Group of kind kNamed, by ("namespace/name" of a Gateway, listener port or 0)
  Tab listeners;  // Listener, by (group id, hostname)
  Tab shards;     // Shard, by (listener id, original route hostname)
  std::uint64_t reserved1[5];
};

static_assert(sizeof(Root) == 128);

enum class GroupKind : std::uint8_t { kSocket = 1, kNamed = 2 };
enum class Family : std::uint8_t { kIpv4 = 1, kIpv6 = 2, kUnix = 3 };
enum class Transport : std::uint8_t { kTcp = 0, kUdp = 1 };

// The listeners among which a hostname decides: those of one socket, or of one Gateway and port.
struct Group {
  std::uint32_t id;  // never 0; keys Root::listeners
  GroupKind kind;
  Family family;       // kSocket
  std::uint16_t port;  // kSocket: opened port; kNamed: the listeners' port, 0 = the only one
  std::uint8_t
      address[16];  // kSocket: network order, IPv4 in the first four; all zero = unspecified
  Offset name;      // kNamed: "namespace/name"
  std::uint32_t name_bytes;
  std::uint64_t
      wildcard_labels;  // bit n: a listener hostname "*." plus n labels exists; bit 63: 63 or more
  std::uint8_t has_exact;
  std::uint8_t has_any;
  std::uint8_t tls;             // 1: a connection begins with a TLS handshake
  std::uint8_t proxy_protocol;  // 1: a connection begins with a header of the PROXY protocol
  Transport transport;          // kSocket
  std::uint8_t raw_tcp;         // 1: its listener is kTcp: connections are relayed as they are
  std::uint8_t server_names;    // 1: the ClientHello's name decides the mode, or who is relayed to
  std::uint8_t reserved0;
  std::uint32_t counter;              // kSocket: line of the file `counters`, a SocketCounter
  std::uint32_t counter_incarnation;  // 0: none
  std::uint64_t reserved1;
};

static_assert(sizeof(Group) == 64);

// What a listener does with a connection.
enum class ListenerMode : std::uint8_t {
  kHttp = 0,            // HTTP and HTTPS
  kTlsPassthrough = 1,  // relayed by the name in the ClientHello
  kTlsTerminate = 2,    // relayed behind a handshake of our own
  kTcp = 3,             // relayed
  kUdp = 4,             // relayed, by session
};

struct Listener {
  std::uint32_t group;
  std::uint32_t id;  // keys Root::shards; the same in every group that has this listener
  std::uint64_t wildcard_labels;  // of the route hostnames attached to it, as in Group
  Offset hostname;                // lower case, without "*."
  std::uint16_t hostname_bytes;
  HostKind hostname_kind;
  std::uint8_t has_exact;  // some shard of an exact hostname exists
  std::uint8_t has_any;    // the shard without hostname exists
  ListenerMode mode;
  std::uint16_t port;         // of the Gateway's listener
  std::uint16_t client_port;  // the port that clients use, for redirects and forwarded headers
  std::uint16_t gateway_bytes;
  Offset gateway;  // "namespace/name"
  Offset name;     // of the listener
  std::uint16_t name_bytes;
  std::uint8_t backend_proxy_protocol;  // 1: what it relays begins with a header of version 1
  std::uint8_t reserved1;
  Offset tls;                 // ListenerTls of HTTPS and kTlsTerminate, or none
  Offset client_certificate;  // CertificateRef: what backends behind TLS see, or none
  Offset options;             // ListenerOptions, or none
};

static_assert(sizeof(Listener) == 56);

// What GatewayParameters say of the requests on a listener. A limit of 0 is none.
struct ListenerOptions {
  std::uint32_t networks;  // Network[networks] follows: peers whose forwarded fields are believed
  std::uint32_t max_header_bytes;
  std::uint64_t max_body_bytes;
  std::uint32_t max_uri_bytes;
  std::uint32_t reserved;
};

static_assert(sizeof(ListenerOptions) == 24);

struct Network {
  Family family;  // kIpv4 or kIpv6
  std::uint8_t prefix_bits;
  std::uint8_t reserved[6];
  std::uint8_t address[16];  // network order, IPv4 in the first four
};

static_assert(sizeof(Network) == 24);

enum class TlsVersion : std::uint8_t { kTls12 = 0, kTls13 = 1 };

// Whether clients are asked for a certificate, and which of them may go on.
enum class ClientValidation : std::uint8_t {
  kNone = 0,
  kAllowValidOnly = 1,
  kAllowInsecureFallback = 2,  // all
};

// How a listener answers a handshake.
struct ListenerTls {
  std::uint64_t identity[2];   // content hash of "namespace/name/listener", the same for ever
  std::uint32_t certificates;  // CertificateRef[certificates] follows, in the user's order
  Offset ciphers;              // OpenSSL's list for TLS 1.2, or none: the template's
  std::uint16_t ciphers_bytes;
  TlsVersion min_version;
  // Not kNone: behind the certificates follows the CertificateRef of the authorities.
  ClientValidation client_validation;
  std::uint8_t reserved[4];
};

static_assert(sizeof(ListenerTls) == 32);

// A certificate chain with its private key, or the certificates of authorities, in the file
// `secret` (shared/secret/blob.h).
struct CertificateRef {
  std::uint64_t hash[2];  // of the bytes there: whoever reads them compares it
  std::uint32_t unit;     // where they begin
  std::uint32_t bytes;
  Offset name;  // "namespace/name" of the Secret; of all sources of authorities
  std::uint32_t name_bytes;
};

static_assert(sizeof(CertificateRef) == 32);

// The rules of one original route hostname on one listener.
struct Shard {
  std::uint64_t prefix_depths;  // bit n: a prefix of n path segments exists; bit 63: 63 or more
  std::uint64_t exact_depths;
  Tab nodes;  // Node, by path
  std::uint32_t listener;
  std::uint32_t rules;
  Offset hostname;
  std::uint16_t hostname_bytes;
  HostKind hostname_kind;
  std::uint8_t reserved0;
  Offset regexes;  // RegexList, or none
  std::uint32_t reserved1;
};

static_assert(sizeof(Shard) == 56);

// One match of one rule. Entries of a node lie in precedence order.
struct Entry {
  Offset action;
  Offset conditions;      // Condition[headers + queries], headers first; none when both are 0
  std::uint16_t methods;  // MethodBit, 0 = any
  std::uint8_t headers;
  std::uint8_t queries;
  std::uint16_t rule;   // index in the route, for people and tests
  std::uint16_t match;  // index in the rule
};

static_assert(sizeof(Entry) == 16);

// Everything at one path: the entries of Exact matches, then those of PathPrefix, then the path.
struct Node {
  std::uint32_t exact_entries;
  std::uint32_t prefix_entries;
  Offset exact_index;  // HeaderIndex over the exact entries, or none
  Offset prefix_index;
  std::uint32_t path_bytes;  // a prefix has no trailing '/'; the prefix "/" is the empty path
  std::uint32_t reserved;
  // Entry entries[exact_entries + prefix_entries]; char path[path_bytes];
};

static_assert(sizeof(Node) == 24);

enum class ConditionKind : std::uint8_t {
  kHeaderExact = 1,
  kHeaderRegex = 2,
  kQueryExact = 3,
  kQueryRegex = 4,
};

// Followed by the name and then the value (or the pattern); the next one starts at the next
// multiple of 8.
struct Condition {
  std::uint32_t name_hash;  // headers: http::header_name_hash of the lower-case name; queries: 0
  std::uint16_t name_bytes;
  std::uint16_t value_bytes;
  std::uint32_t pattern;  // id in the PatternList; 0 = not a regular expression
  ConditionKind kind;
  std::uint8_t reserved[3];
};

static_assert(sizeof(Condition) == 16);

// Files the entries of one node under their rarest exact header, so that many header-only rules
// cost one probe per name. The entries without an exact header, and those a bounded index can't
// hold, are the residual, in precedence order.
struct HeaderIndex {
  std::uint32_t names;  // IndexName[names] follows, by ascending (name_hash, name)
  std::uint32_t residual_count;
  Offset residual;  // std::uint32_t[residual_count]: entry numbers, ascending
  std::uint32_t lines;
  Offset line_off;  // Line[lines]: (name, value) -> IndexBucket
  std::uint32_t reserved;
};

static_assert(sizeof(HeaderIndex) == 24);

struct IndexName {
  std::uint32_t name_hash;
  std::uint32_t name_bytes;
  Offset name;
  std::uint32_t reserved;
};

static_assert(sizeof(IndexName) == 16);

struct IndexBucket {
  std::uint32_t count;
  std::uint32_t
      key_hash;  // bits 16..47 of the key's hash; the entry's own condition is compared in full
  // std::uint32_t entries[count]: entry numbers, ascending
};

static_assert(sizeof(IndexBucket) == 8);

// Path regular expressions of one shard, in precedence order.
struct RegexList {
  std::uint32_t count;  // RegexEntry[count] follows
  std::uint32_t reserved;
  std::uint64_t set_hash;  // content hash of the pattern ids in order: names the RE2::Set in the
                           // PatternList; 0 = none
};

static_assert(sizeof(RegexList) == 16);

struct RegexEntry {
  Offset pattern;
  std::uint16_t pattern_bytes;
  std::uint16_t reserved0;
  std::uint32_t pattern_id;
  std::uint32_t reserved1;
  Entry entry;
};

static_assert(sizeof(RegexEntry) == 32);

// All patterns in use, published before the rules that need them so that workers compile outside
// requests.
struct PatternList {
  std::uint64_t generation;
  std::uint32_t count;  // Pattern[count] at `patterns`
  Offset patterns;
  std::uint32_t sets;  // Offset[sets] at `set_off`, each a PatternSet
  Offset set_off;
};

static_assert(sizeof(PatternList) == 24);

struct Pattern {
  std::uint32_t id;  // never 0, made from the text; a cache that outlives the list compares texts
  Offset text;
  std::uint32_t text_bytes;
  std::uint32_t reserved;
};

static_assert(sizeof(Pattern) == 16);

struct PatternSet {
  std::uint64_t hash;
  std::uint32_t count;
  std::uint32_t reserved;
  // std::uint32_t ids[count], in the order of RegexList
};

static_assert(sizeof(PatternSet) == 16);

enum class RouteKind : std::uint8_t {
  kHttpRoute = 1,
  kGrpcRoute = 2,
  kTlsRoute = 3,
  kTcpRoute = 4,
  kUdpRoute = 5,
};

// What a rule does.
struct Action {
  std::uint32_t bytes;   // of this blob, shares included
  std::uint16_t shares;  // BackendShare[shares] follows; 0: answer 500, close a connection
  std::uint16_t rule;    // index in the route
  Offset route;          // "namespace/name"
  std::uint16_t route_bytes;
  std::uint16_t rule_name_bytes;
  Offset rule_name;                  // rules[].name, or none
  Offset filters;                    // FilterList of the rule, or none
  std::uint32_t request_timeout_ms;  // 0: not given
  std::uint32_t backend_request_timeout_ms;
  Offset retry;  // Retry, or none
  RouteKind route_kind;
  std::uint8_t reserved0[3];
  std::uint32_t counter;  // of a route of streams: line of the file `counters`, a RouteCounter
  std::uint32_t counter_incarnation;  // 0: none
};

static_assert(sizeof(Action) == 48);

enum class BackendProtocol : std::uint8_t { kHttp1 = 0, kHttp2 = 1 };

// The share of one backendRef. Weight 0 has none. Chosen: the first with draw <= threshold, draw
// uniform over 32 bits.
struct BackendShare {
  std::uint32_t threshold;  // the last one is 0xffffffff
  std::uint32_t slot;       // index of the endpoint slot
  std::uint32_t incarnation;
  std::uint16_t status;  // 0: use the slot; 500: the reference is invalid and keeps its share
  std::uint16_t name_bytes;
  Offset name;     // "namespace/name:port"
  Offset filters;  // FilterList of the backendRef, or none
  BackendProtocol protocol;
  std::uint8_t reserved[7];
};

static_assert(sizeof(BackendShare) == 32);

// When a failed try is followed by another one.
struct Retry {
  std::uint32_t attempts;     // besides the first try; 0: never another one
  std::uint32_t backoff_ms;   // before the first retry
  std::uint8_t statuses[32];  // bit n of byte m: status 400 + 8 * m + n is retried
};

static_assert(sizeof(Retry) == 40);

// The filters of a rule or of a backendRef in the user's order. A worker copies the list in one
// piece and reads its copy (shared/table/filter_reader.h).
struct FilterList {
  std::uint32_t bytes;  // of the list with all that belongs to it
  std::uint32_t count;  // Filter follows, and behind each one its parts
};

static_assert(sizeof(FilterList) == 8);

enum class FilterType : std::uint8_t {
  kRequestHeaderModifier = 1,
  kResponseHeaderModifier = 2,
  kRequestRedirect = 3,
  kUrlRewrite = 4,
  kRequestMirror = 5,
  kCors = 6,
};

struct Filter {
  std::uint32_t bytes;  // of this filter with its parts: the next one begins there
  FilterType type;
  std::uint8_t allow_credentials;  // kCors
  std::uint16_t parts;             // Part[parts] follows, each with its texts
  std::uint16_t status;            // kRequestRedirect
  std::uint16_t port;              // kRequestRedirect; 0: not given
  std::uint32_t max_age;           // kCors, seconds
  std::uint32_t threshold;    // kRequestMirror: mirrored with draw <= threshold, drawn per filter
  std::uint32_t slot;         // kRequestMirror: of the endpoints, as in BackendShare
  std::uint32_t incarnation;  // kRequestMirror
  BackendProtocol protocol;   // kRequestMirror
  std::uint8_t reserved[3];
};

static_assert(sizeof(Filter) == 32);

enum class PartKind : std::uint8_t {
  kSetHeader = 1,  // name and value
  kAddHeader = 2,
  kRemoveHeader = 3,  // name
  kScheme = 4,        // value, as in all that follow
  kHostname = 5,
  kFullPath = 6,
  kPrefixPath = 7,  // replaces the matched prefix
  kAllowOrigin = 8,
  kAllowMethod = 9,
  kAllowHeader = 10,
  kExposeHeader = 11,
  kBackendName = 12,     // kRequestMirror: "namespace/name:port"
  kDnsName = 13,         // of BackendTls, as in all that follow: a subject alternative name
  kUri = 14,             // a subject alternative name
  kCaCertificates = 15,  // PEM
};

// Followed by the name and then the value; the next one starts at the next multiple of 8.
struct Part {
  PartKind kind;
  std::uint8_t reserved;
  std::uint16_t name_bytes;
  std::uint32_t value_bytes;
};

static_assert(sizeof(Part) == 8);

// One slot of the file `endpoint`. Its identity is given to another backend only after every root
// that knows the old one is gone.
struct EndpointSlot {
  std::uint64_t
      word;  // atomic: [incarnation:24 | segment:8 | offset:32] -> EndpointList; offset 0 = free
  std::uint64_t
      identity[2];  // 128-bit content hash of the backend's name, for a restarted controller
  std::uint64_t reserved;
};

static_assert(sizeof(EndpointSlot) == 32);

struct EndpointList {
  std::uint32_t count;  // Endpoint[count] follows
  std::uint32_t incarnation;
  Offset tls;  // BackendTls, or none
  std::uint32_t reserved;
};

static_assert(sizeof(EndpointList) == 16);

// How connections to the endpoints of a backend are secured. Without a subject alternative name the
// hostname is the name to verify; it is the server name (SNI) always.
struct BackendTls {
  std::uint32_t bytes;               // of this record with its parts
  std::uint16_t parts;               // Part[parts] follows, each with its texts
  std::uint8_t system_certificates;  // 1: the machine's own trust anchors count
  std::uint8_t usable;               // 0: nothing to verify with; no connection may be made
  std::uint64_t identity[2];         // content hash of the rest: where to look first, no proof
};

static_assert(sizeof(BackendTls) == 24);

struct Endpoint {
  Family family;
  std::uint8_t reserved0;
  std::uint16_t port;     // host order; 0 for kUnix
  std::uint32_t counter;  // line of the file `counters`
  std::uint32_t counter_incarnation;
  std::uint32_t path_bytes;  // kUnix

  union {
    std::uint8_t address[16];  // network order, IPv4 in the first four
    Offset path;               // kUnix: the socket's path
  };
};

static_assert(sizeof(Endpoint) == 32);

}  // namespace sluice::table
