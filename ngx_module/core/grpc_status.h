// gRPC: which requests are its, and what a client is told that expects a status of gRPC.
//
// Process: nginx worker.   Allocates: nothing.
// Spec: the "gRPC over HTTP2" and "HTTP to gRPC Status Code Mapping" pages of gRPC; GRPCRouteRule
// of gateway-api v1 (UNAVAILABLE where there is no valid backend).   Tested by:
// test/unit/ngx_module/core/grpc_status_test.cc
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ngx_module/core/plan.h"

namespace sluice::core {

enum class GrpcStatus : std::uint8_t {
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

// Whether a request with this Content-Type is gRPC ("application/grpc", "application/grpc+proto").
bool is_grpc(std::string_view content_type);

// The milliseconds of the field grpc-timeout, which is the client's own deadline; none where it is
// not of that form. What is shorter than one is zero.
std::optional<std::uint64_t> grpc_timeout_ms(std::string_view value);

// For an answer made here: `reason` as far as there is one, else by its HTTP status.
GrpcStatus grpc_status(Reason reason, std::uint64_t http_status);

// The number as text, for the field grpc-status.
std::string_view grpc_status_text(GrpcStatus status);

// For the field grpc-message: printable ASCII without '%', so that nothing of it is escaped.
std::string_view grpc_message(Reason reason, GrpcStatus status);

}  // namespace sluice::core
