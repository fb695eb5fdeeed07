// The head of an HTTP/1.1 request as a mirror gets it: what the backend gets, but on a connection
// that ends with the answer, and with a body whose length is known.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.
// Fails: none for what is no HTTP/1.1 head, or when the buffer has fewer bytes than
// mirror_head_bytes() says.
// Spec: RFC 9112 2.1, 6   Tested by: test/unit/shared/http/mirror_head_test.cc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

constexpr std::size_t mirror_head_bytes(std::string_view head) {
  constexpr std::size_t kAdded =
      sizeof("Connection: close\r\nContent-Length: 18446744073709551615\r\n");
  return head.size() + kAdded;
}

// `head`: request line and fields up to the empty line; what follows it is not looked at.
std::optional<std::string_view> write_mirror_head(std::string_view head, std::uint64_t body_bytes,
                                                  std::span<char> buffer);

}  // namespace sluice::http
