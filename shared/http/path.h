// Request paths, normalised once: the same bytes are matched and forwarded.
//
// Escapes of unreserved characters are decoded, hexadecimal digits of the other escapes become
// upper case, dot segments are resolved. "//" stays (an empty segment is a segment) and "%2F" is
// data, never a separator. Nothing else changes; where nothing changes the raw bytes are the
// result, so that the request line is forwarded as it came. Rules' paths go through the same
// function, so that what people write in a route means what clients write in a request.
//
// Process: all.   Thread: any.   Allocates: nothing.   Cost: one pass over the bytes.
// Fails: refuses what a server behind us might read differently than we do (see PathStatus).
// Spec: RFC 3986 6.2.2, 5.2.4.   Tested by: test/unit/shared/http/path_test.cc
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::http {

enum class PathStatus : std::uint8_t {
  kUnchanged,  // path is the raw text
  kChanged,    // path lies in the buffer
  kMalformed,  // 400: doesn't start with '/', a broken escape, "%00", a control character or '#'
  kAboveRoot,  // 400: ".." with nothing left to remove
  kTooLong,    // 414: would change, and the buffer is shorter than the raw text
};

struct NormalisedPath {
  PathStatus status = PathStatus::kMalformed;
  std::string_view path;  // empty unless kUnchanged or kChanged
};

// `raw`: the path without its query. The result is never longer than `raw`.
NormalisedPath normalise_path(std::string_view raw, std::span<char> buffer);

}  // namespace sluice::http
