// The header of the PROXY protocol, versions 1 and 2: who connected to the proxy in front of us.
//
// Process: nginx worker.   Allocates: nothing.   Fails: kMalformed, as soon as it is sure.
// Spec: haproxy.org/download/2.8/doc/proxy-protocol.txt
// Tested by: test/unit/ngx_module/core/proxy_protocol_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/table/editor.h"

namespace sluice::core {

// With its extensions (TLV); a longer one is malformed.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  enum class Status : std::uint8_t { kUndecided, kMalformed, kWhole };

  Status status = Status::kMalformed;
  std::size_t bytes = 0;                   // of a whole one: what comes behind is the client's
  std::optional<table::SocketKey> client;  // none: of the proxy itself, or not told
};

// `first`: what has arrived so far, at most kMaxProxyHeader bytes.
ProxyHeader read_proxy_header(std::string_view first);

}  // namespace sluice::core
