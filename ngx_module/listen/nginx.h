// The one door to nginx's headers, which are C.
#pragma once

// Its macros cast in C's way wherever they are used.
#pragma GCC diagnostic ignored "-Wold-style-cast"

extern "C" {
// clang-format off: nginx's headers depend on this order
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include <ngx_stream.h>
// clang-format on
}

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::ngx {

inline std::string_view view(const ngx_str_t& text) {
  return {reinterpret_cast<const char*>(text.data), text.len};
}

inline ngx_str_t str(std::string_view text) {
  return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

inline std::string to_string(const ngx_str_t& text) {
  return std::string(view(text));
}

}  // namespace sluice::ngx
