// The server name in the first bytes of a connection, without a byte of an answer.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing; a copy of the message on the stack.
// Fails: kMalformed as soon as it is sure: what begins so is no TLS, or none that OpenSSL would go
// on with. Spec: RFC 8446 4.1.2, 5.1; RFC 5246 7.4.1.2; RFC 6066 3
// Tested by: test/unit/ngx_module/core/client_hello_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/http/host.h"

namespace sluice::core {

// With the heads of its records; a longer one is malformed. Key shares of today's and tomorrow's
// algorithms make it a few kilobytes.
inline constexpr std::size_t kMaxClientHello = 16384;

struct ClientHello {
  enum class Status : std::uint8_t { kUndecided, kMalformed, kWhole };

  Status status = Status::kMalformed;
  // Of a whole one, in the caller's buffer, in lower case; empty when there is none that a
  // listener's hostname could cover.
  std::string_view server_name;
};

// `first`: what has arrived so far, at most kMaxClientHello bytes.
ClientHello read_client_hello(std::string_view first,
                              std::array<char, http::kMaxHostBytes>& buffer);

}  // namespace sluice::core
