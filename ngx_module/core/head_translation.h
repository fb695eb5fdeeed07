// A request's head in the other version of HTTP: for a mirror that does not speak as the backend
// does, made of what nginx wrote for the backend.
//
// Fields keep their order and values. Host and :authority are each other; of HTTP/2, names are in
// lower case, and fields of an HTTP/1.1 connection are left out.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.
// Fails: none when that is no such head, when it has what the other version can't say, or when the
// buffer is smaller than ..._room(the head's bytes).
// Spec: RFC 9113 8.2, 8.3.1; RFC 9112 3, 5; RFC 7541 6.2.2
// Tested by: test/unit/ngx_module/core/head_translation_test.cc, test/fuzz/head_translation.cc
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "ngx_module/core/h2_frame.h"

namespace sluice::core {

// The head twice over, as a field is at most twice as long as its code; and what is read of it: the
// fields without their frames, and two texts without their code.
constexpr std::size_t http1_head_room(std::size_t http2_bytes) {
  return 5 * http2_bytes + 64;
}

// `http2`: as ngx_module/core/h2_head.h says. Framing (Content-Length, TE) is passed on as it is.
std::optional<std::string_view> http1_head_of(std::string_view http2, std::span<char> buffer);

// A field's code is at most twice as long as its line.
constexpr std::size_t http2_head_room(std::size_t http1_bytes) {
  const std::size_t fields = 2 * http1_bytes;
  return 128 + fields + kH2FrameHead * (fields / kH2MaxPayload);
}

struct H2Terms {
  bool https;
  bool ends_stream;  // there is no body
};

// With what begins a connection; its request has the stream 1.
std::optional<std::string_view> http2_head_of(std::string_view http1, const H2Terms& terms,
                                              std::span<char> buffer);

}  // namespace sluice::core
