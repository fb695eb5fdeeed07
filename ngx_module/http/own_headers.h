// Request headers that Sluice sends itself, whatever the client sent: Host, X-Forwarded-... and
// X-Request-Id; but what a trusted proxy says in the last five stays or is appended to. The stock
// modules take them from variables and drop the client's fields, so an edit of a filter must reach
// the variable instead of the field.
//
// Process: nginx worker.   Thread: event loop.   Allocates: the request's pool.
// Tested by: test/e2e/test_filters_headers.py, test/e2e/test_protocols.py
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ngx_module/listen/nginx.h"

namespace sluice::http_module {

enum class OwnHeader : std::uint8_t {
  kHost,
  kForwardedFor,
  kForwardedProto,
  kForwardedHost,
  kForwardedPort,
  kRequestId,
};

inline constexpr std::size_t kOwnHeaders = 6;

// What filters made of them. Not edited: what own_header_value() says.
struct OwnHeaderEdits {
  struct Edit {
    bool edited;
    ngx_str_t value;  // empty: not sent
  };

  std::array<Edit, kOwnHeaders> edits;

  Edit& operator[](OwnHeader header) { return edits.at(static_cast<std::size_t>(header)); }

  const Edit& operator[](OwnHeader header) const {
    return edits.at(static_cast<std::size_t>(header));
  }
};

// In any case; none: not one of ours.
std::optional<OwnHeader> find_own_header(std::string_view name);

// The value to send: as filters edited it, else of the connection and the client. Host and
// X-Forwarded-Host are the host as the client wrote it, with its port; a target in absolute form
// wins over the field. A trusted proxy's list in X-Forwarded-For is appended to, its other fields
// are passed on.
std::string_view own_header_value(ngx_http_request_t* r, OwnHeader header);

// "http" or "https", of the client's connection.
std::string_view scheme_of(const ngx_http_request_t* r);

}  // namespace sluice::http_module
