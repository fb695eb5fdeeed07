#include "ngx_module/core/h2_scheme.h"

#include <cstddef>

#include "ngx_module/core/preface.h"

namespace sluice::core {

namespace {

constexpr std::size_t kFrameHead = 9;
constexpr unsigned char kHeadersFrame = 1;
constexpr unsigned char kGet = 0x82;
constexpr unsigned char kPost = 0x83;
constexpr unsigned char kOtherMethod = 0x42;  // its name follows
constexpr unsigned char kHttp = 0x86;
constexpr unsigned char kHttps = 0x87;
constexpr std::size_t kLengthBits = 0x7f;  // all of them set: more bytes of length follow

// The first fields of a request, after nginx's custom: the method, then the scheme.
void write_into(std::span<unsigned char> fields, bool https) {
  if (fields.empty()) return;
  std::size_t at = 1;
  if (fields[0] == kOtherMethod) {
    if (fields.size() < 2) return;
    const std::size_t length = fields[1] & kLengthBits;
    if (length == kLengthBits) return;
    at += 1 + length;
  } else if (fields[0] != kGet && fields[0] != kPost) {
    return;
  }
  if (at >= fields.size() || (fields[at] != kHttp && fields[at] != kHttps)) return;
  fields[at] = https ? kHttps : kHttp;
}

}  // namespace

void write_scheme(std::span<unsigned char> request, bool https) {
  std::size_t at = kPreface.size();
  while (at + kFrameHead <= request.size()) {
    const std::size_t payload = static_cast<std::size_t>(request[at]) << 16 |
                                static_cast<std::size_t>(request[at + 1]) << 8 | request[at + 2];
    const unsigned char type = request[at + 3];
    at += kFrameHead;
    if (payload > request.size() - at) return;
    if (type == kHeadersFrame) return write_into(request.subspan(at, payload), https);
    at += payload;
  }
}

}  // namespace sluice::core
