// The head of a request as nginx's grpc module writes it: the preface, frames of the connection,
// HEADERS and CONTINUATION. It is written before anybody knows which connection it is sent on.
//
// Process: nginx worker.   Pure.   Spec: RFC 9113 4, 5.1.1, 8.3.1; RFC 7541 (the static table)
// Tested by: test/unit/ngx_module/core/h2_head_test.cc
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sluice::core {

// Gives the frames of fields the stream 1, a new connection's first. Returns whether the request
// ends with them; none: `head` is not that.
std::optional<bool> begin_h2_stream(std::span<unsigned char> head);

// Writes :scheme. What does not look like a head stays as it is.
void write_scheme(std::span<unsigned char> head, bool https);

// The coded fields of the frames, one behind the other in `buffer`, which is as large as the head.
// None: `head` is not that, or its frames hold more than fields.
std::optional<std::string_view> join_fields(std::span<const unsigned char> head,
                                            std::span<char> buffer);

}  // namespace sluice::core
