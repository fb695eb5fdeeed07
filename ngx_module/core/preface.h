// Tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection.
// Process: nginx worker.   Spec: RFC 9113 3.4.   Tested by:
// test/unit/ngx_module/core/preface_test.cc
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::core {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class Protocol : std::uint8_t { kUndecided, kHttp1, kHttp2 };

// `first`: what has arrived so far. No HTTP/1 request line begins with the preface's first line.
constexpr Protocol tell_protocol(std::string_view first) {
  constexpr std::size_t kFirstLine = 16;
  const std::string_view compared = first.substr(0, kFirstLine);
  if (!kPreface.starts_with(compared)) return Protocol::kHttp1;
  return compared.size() == kFirstLine ? Protocol::kHttp2 : Protocol::kUndecided;
}

}  // namespace sluice::core
