// What a request took from the table, in one callback: after that it pins nothing.
//
// Process: nginx worker.   Thread: event loop.   Allocates: only what the caller's Memory gives.
// Lifetime: views into the memory that make_plan() was given (the request's pool).
// Fails: a plan with a reason answers instead of proxying. Tested by:
// test/unit/ngx_module/core/plan_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shared/http/ip_network.h"
#include "shared/match/matcher.h"
#include "shared/secret/blob.h"
#include "shared/table/endpoints.h"
#include "shared/table/reader.h"

namespace sluice::core {

// Why a request is answered without its backend. The names are what $sluice_reason says.
enum class Reason : std::uint8_t {
  kNone,
  kNoTable,          // 503 no table yet, or one this module can't read
  kBadPath,          // 400 a path that servers may read differently
  kPathTooLong,      // 414
  kBadHost,          // 400 no valid host
  kNoListener,       // 404 no listener for this address and hostname
  kMisdirected,      // 421 the connection was opened for another listener
  kNoRule,           // 404
  kNoBackends,       // 500 a rule without backendRefs, or all weights 0
  kInvalidBackend,   // 500 the drawn backendRef is invalid
  kBackendGone,      // 503 the backend left the table after the rule was read
  kNoEndpoints,      // 503 no ready endpoint
  kConnectFailed,    // 502 no endpoint could be connected to
  kBackendTls,       // 500 a BackendTLSPolicy without anything to verify the backend with
  kBadFilters,       // 500 the filters' or options' bytes make no sense
  kNoHttp2,          // 500 the backend speaks HTTP/2, and this nginx has no grpc module
  kRequestTimeout,   // 504 the rule's limit of the whole request passed
  kBackendTimeout,   // 504 a backend did not answer in time
  kBodyTooLarge,     // 413 by the Gateway's limits, as the two that follow
  kUriTooLong,       // 414
  kHeadersTooLarge,  // 431
};

std::string_view reason_name(Reason reason);
std::uint16_t reason_status(Reason reason);   // 0 for kNone
std::string_view reason_text(Reason reason);  // the body, one line

struct Plan {
  Reason reason = Reason::kNoTable;
  std::uint16_t rule = 0;         // index in the route
  std::uint16_t client_port = 0;  // of the listener, as clients see it
  table::SlotRef slot;            // of the backend's endpoints
  std::uint64_t generation = 0;
  std::string_view gateway;    // "namespace/name"
  std::string_view listener;   // its name
  std::string_view route;      // "namespace/name"
  std::string_view rule_name;  // empty: unnamed
  std::string_view backend;    // "namespace/name:port"
  // What backends behind TLS see of the Gateway; a length of zero: nothing.
  secret::BlobPlace client_certificate;

  table::RouteKind route_kind = table::RouteKind::kHttpRoute;
  table::BackendProtocol protocol = table::BackendProtocol::kHttp1;
  std::uint32_t prefix_bytes = 0;        // of the path: what a PathPrefix match matched
  std::string_view rule_filters;         // for table::FilterReader; empty: none
  std::string_view backend_filters;      // of the drawn backendRef
  std::uint32_t request_timeout_ms = 0;  // 0: not given; or table::kNoDeadline
  std::uint32_t backend_request_timeout_ms = 0;
  std::optional<table::Retry> retry;

  // Of the listener; a limit of 0 is none.
  std::span<const http::IpNetwork> trusted_proxies;
  std::uint64_t max_body_bytes = 0;
  std::uint32_t max_header_bytes = 0;
  std::uint32_t max_uri_bytes = 0;
};

// Where the plan's texts go; null when there is no room.
class Memory {
 public:
  virtual char* take(std::size_t bytes) = 0;

 protected:
  ~Memory() = default;
};

// `draw`: uniform over 32 bits, chooses the backendRef. None of the result points into the table.
// Returns false when `memory` gave nothing.
bool make_plan(const table::Reader& reader, const match::Match& match, std::uint32_t draw,
               Memory& memory, Plan& plan);

}  // namespace sluice::core
