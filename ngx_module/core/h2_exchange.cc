#include "ngx_module/core/h2_exchange.h"

#include <algorithm>
#include <utility>

#include "ngx_module/core/preface.h"

namespace sluice::core {

namespace {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kWindowUpdate = 8,
  kContinuation = 9,
};

constexpr std::uint8_t kEndStream = 1;  // of DATA and HEADERS
constexpr std::uint8_t kAck = 1;        // of SETTINGS and PING
constexpr std::uint16_t kInitialWindowSize = 4;
constexpr std::size_t kMaxPayload = 16384;
constexpr std::int64_t kMaxWindow = 0x7fffffff;

std::uint32_t number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes)
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void put_number(char* to, std::size_t bytes, std::uint32_t value) {
  for (std::size_t i = bytes; i > 0; --i, value >>= 8)
    to[i - 1] = static_cast<char>(value & 0xff);
}

void write_head(char* to, std::size_t payload, std::uint8_t type, std::uint8_t flags,
                std::uint32_t stream) {
  put_number(to, 3, static_cast<std::uint32_t>(payload));
  to[3] = static_cast<char>(type);
  to[4] = static_cast<char>(flags);
  put_number(to + 5, 4, stream);
}

// Frames whose payload is read, and in pieces of how many bytes.
std::size_t unit_of(std::uint8_t type) {
  switch (type) {
    case kSettings:
      return 6;
    case kPing:
      return 8;
    case kWindowUpdate:
      return 4;
    default:
      return 0;
  }
}

}  // namespace

std::optional<bool> begin_h2_stream(std::span<char> head) {
  std::string_view rest(head.data(), head.size());
  if (!rest.starts_with(kPreface)) return std::nullopt;
  rest.remove_prefix(kPreface.size());
  std::optional<bool> ended;
  while (!rest.empty()) {
    if (rest.size() < kH2FrameHead) return std::nullopt;
    const std::size_t payload = number(rest.substr(0, 3));
    if (payload > rest.size() - kH2FrameHead) return std::nullopt;
    const auto type = static_cast<std::uint8_t>(rest[3]);
    if (type == kHeaders) ended = (static_cast<std::uint8_t>(rest[4]) & kEndStream) != 0;
    if (type == kHeaders || type == kContinuation) {
      put_number(head.data() + (rest.data() - head.data()) + 5, 4, 1);
    }
    rest.remove_prefix(kH2FrameHead + payload);
  }
  return ended;
}

bool H2Exchange::read(std::string_view bytes) {
  while (!bytes.empty()) {
    if (in_payload_ && unit_wanted_ == 0) {
      const std::size_t skipped = std::min(bytes.size(), payload_left_);
      bytes.remove_prefix(skipped);
      payload_left_ -= skipped;
      if (payload_left_ == 0 && !end_frame()) return false;
      continue;
    }
    const std::size_t taken = std::min(bytes.size(), unit_wanted_ - unit_bytes_);
    std::copy_n(bytes.begin(), taken, unit_.begin() + static_cast<std::ptrdiff_t>(unit_bytes_));
    bytes.remove_prefix(taken);
    unit_bytes_ += taken;
    if (unit_bytes_ < unit_wanted_) break;
    unit_bytes_ = 0;
    if (!(in_payload_ ? end_unit() : begin_frame())) return false;
  }
  return true;
}

bool H2Exchange::begin_frame() {
  const std::string_view head(unit_.data(), kH2FrameHead);
  payload_left_ = number(head.substr(0, 3));
  type_ = static_cast<std::uint8_t>(head[3]);
  flags_ = static_cast<std::uint8_t>(head[4]);
  stream_ = number(head.substr(5)) & 0x7fffffffU;
  // No larger ones were allowed.
  if (payload_left_ > kMaxPayload) return false;
  unit_wanted_ = unit_of(type_);
  if (unit_wanted_ != 0 && payload_left_ % unit_wanted_ != 0) return false;
  in_payload_ = true;
  return payload_left_ != 0 || end_frame();
}

bool H2Exchange::end_unit() {
  const std::string_view unit(unit_.data(), unit_wanted_);
  payload_left_ -= unit_wanted_;
  bool good = true;
  if (type_ == kSettings) {
    good = read_setting(unit);
  } else if (type_ == kPing && (flags_ & kAck) == 0) {
    good = reply(kPing, unit);
  } else if (type_ == kWindowUpdate) {
    std::int64_t& window = stream_ == 0 ? connection_window_ : stream_window_;
    window += number(unit) & 0x7fffffffU;
    good = window <= kMaxWindow;
  }
  return good && (payload_left_ != 0 || end_frame());
}

bool H2Exchange::end_frame() {
  in_payload_ = false;
  unit_wanted_ = kH2FrameHead;
  const bool ends = (type_ == kData || type_ == kHeaders) && (flags_ & kEndStream) != 0;
  if (ends || type_ == kReset) answered_ = true;
  return type_ != kSettings || (flags_ & kAck) != 0 || reply(kSettings, {});
}

bool H2Exchange::read_setting(std::string_view unit) {
  if (number(unit.substr(0, 2)) != kInitialWindowSize) return true;
  const std::int64_t wanted = number(unit.substr(2));
  if (wanted > kMaxWindow) return false;
  stream_window_ += wanted - initial_window_;
  initial_window_ = wanted;
  return stream_window_ <= kMaxWindow;
}

bool H2Exchange::reply(std::uint8_t type, std::string_view payload) {
  const std::size_t bytes = kH2FrameHead + payload.size();
  if (bytes > replies_.size() - reply_bytes_) return false;
  char* const to = replies_.data() + reply_bytes_;
  write_head(to, payload.size(), type, kAck, 0);
  std::copy(payload.begin(), payload.end(), to + kH2FrameHead);
  reply_bytes_ += bytes;
  return true;
}

std::optional<std::size_t> H2Exchange::next_data(std::span<char, kH2FrameHead> head) {
  if (sent_end_) return std::nullopt;
  const std::int64_t window = std::min(connection_window_, stream_window_);
  if (body_left_ != 0 && window <= 0) return std::nullopt;
  const std::uint64_t allowed = std::min<std::uint64_t>(
      kMaxPayload, static_cast<std::uint64_t>(std::max<std::int64_t>(window, 0)));
  const std::uint64_t bytes = std::min(body_left_, allowed);
  body_left_ -= bytes;
  connection_window_ -= static_cast<std::int64_t>(bytes);
  stream_window_ -= static_cast<std::int64_t>(bytes);
  sent_end_ = body_left_ == 0;
  write_head(head.data(), bytes, kData, sent_end_ ? kEndStream : 0, 1);
  return bytes;
}

std::string_view H2Exchange::take_replies() {
  return {replies_.data(), std::exchange(reply_bytes_, 0)};
}

}  // namespace sluice::core
