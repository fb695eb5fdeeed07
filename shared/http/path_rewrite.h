// Paths as URLRewrite and RequestRedirect change them.
//
// What a user wrote into a route is escaped where a path can't hold it ('?', spaces, '%' without
// digits); the bytes behind a replaced prefix stay as they are. The result begins with exactly one
// '/', so that no server takes its first segment for a host.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.
// Fails: none when the buffer has fewer bytes than rewritten_path_bytes() says.
// Spec: gateway-api v1 HTTPPathModifier (its table of prefix replacements), RFC 3986 3.3
// Tested by: test/unit/shared/http/path_rewrite_test.cc, test/property/path_rewrite_test.cc
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

// Room that suffices for either function.
constexpr std::size_t rewritten_path_bytes(std::string_view path, std::string_view replacement) {
  return path.size() + 3 * replacement.size() + 1;
}

// ReplaceFullPath.
std::optional<std::string_view> replace_full_path(std::string_view replacement,
                                                  std::span<char> buffer);

// ReplacePrefixMatch. `path`: without query. `prefix_bytes`: what a PathPrefix match matched of it,
// without the '/' that ends it.
std::optional<std::string_view> replace_prefix(std::string_view path, std::size_t prefix_bytes,
                                               std::string_view replacement,
                                               std::span<char> buffer);

}  // namespace sluice::http
