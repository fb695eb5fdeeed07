#include "ngx_module/core/h2_head.h"

#include <algorithm>
#include <cstddef>

#include "ngx_module/core/h2_frame.h"
#include "ngx_module/core/preface.h"

namespace sluice::core {

namespace {

constexpr unsigned char kGet = 0x82;
constexpr unsigned char kPost = 0x83;
constexpr unsigned char kOtherMethod = 0x42;  // its name follows
constexpr unsigned char kHttp = 0x86;
constexpr unsigned char kHttps = 0x87;
constexpr std::size_t kLengthBits = 0x7f;  // all of them set: more bytes of length follow

using Bytes = std::span<unsigned char>;

// What follows the preface. None: something else stands there.
template <class Byte>
std::optional<std::span<Byte>> frames_of(std::span<Byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with(kPreface)) return std::nullopt;
  return head.subspan(kPreface.size());
}

// Takes a frame, its head included, from the front of `rest`. Empty: no whole one is there.
template <class Byte>
std::span<Byte> take_frame(std::span<Byte>& rest) {
  if (rest.size() < kH2FrameHead) return {};
  const std::size_t payload = read_number(rest.data(), 3);
  if (payload > rest.size() - kH2FrameHead) return {};
  const std::span<Byte> frame = rest.first(kH2FrameHead + payload);
  rest = rest.subspan(frame.size());
  return frame;
}

// The first fields of a request, after nginx's custom: the method, then the scheme.
void write_into(Bytes fields, bool https) {
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

std::optional<bool> begin_h2_stream(Bytes head) {
  std::optional<Bytes> rest = frames_of(head);
  if (!rest) return std::nullopt;
  std::optional<bool> ended;
  while (!rest->empty()) {
    const Bytes frame = take_frame(*rest);
    if (frame.empty()) return std::nullopt;
    const unsigned char type = frame[kH2TypeByte];
    if (type == kH2Headers) ended = (frame[kH2FlagsByte] & kH2EndStream) != 0;
    if (type == kH2Headers || type == kH2Continuation) {
      write_number(frame.data() + kH2StreamByte, 4, 1);
    }
  }
  return ended;
}

void write_scheme(Bytes head, bool https) {
  std::optional<Bytes> rest = frames_of(head);
  if (!rest) return;
  for (Bytes frame = take_frame(*rest); !frame.empty(); frame = take_frame(*rest)) {
    if (frame[kH2TypeByte] != kH2Headers) continue;
    return write_into(frame.subspan(kH2FrameHead), https);
  }
}

std::optional<std::string_view> join_fields(std::span<const unsigned char> head,
                                            std::span<char> buffer) {
  auto rest = frames_of(head);
  if (!rest) return std::nullopt;
  std::size_t joined = 0;
  bool begun = false;
  while (!rest->empty()) {
    const auto frame = take_frame(*rest);
    if (frame.empty()) return std::nullopt;
    const unsigned char type = frame[kH2TypeByte];
    if (type != kH2Headers && type != kH2Continuation) continue;
    // One HEADERS, then the others; its payload is nothing but fields.
    if (begun == (type == kH2Headers)) return std::nullopt;
    if (!begun && (frame[kH2FlagsByte] & (kH2Padded | kH2Priority)) != 0) return std::nullopt;
    begun = true;
    const auto fields = frame.subspan(kH2FrameHead);
    if (fields.size() > buffer.size() - joined) return std::nullopt;
    std::copy(fields.begin(), fields.end(), buffer.begin() + static_cast<std::ptrdiff_t>(joined));
    joined += fields.size();
  }
  if (!begun) return std::nullopt;
  return std::string_view(buffer.data(), joined);
}

}  // namespace sluice::core
