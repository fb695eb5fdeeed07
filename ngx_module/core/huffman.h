// Texts in the Huffman code of HTTP/2.
//
// Process: nginx worker.   Pure.   Spec: RFC 7541 5.2, appendix B
// Tested by: test/unit/ngx_module/core/huffman_test.cc
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::core {

// The shortest code has five bits.
constexpr std::size_t huffman_decoded_bytes(std::size_t coded) {
  return coded * 8 / 5;
}

// The text, in `buffer`. None: that is no text in this code, or it does not fit.
std::optional<std::string_view> huffman_decode(std::string_view coded, std::span<char> buffer);

}  // namespace sluice::core
