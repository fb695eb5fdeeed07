#include "ngx_module/core/h2_exchange.h"

#include <algorithm>
#include <utility>

namespace sluice::core {

namespace {

constexpr std::uint16_t kInitialWindowSize = 4;
constexpr std::int64_t kMaxWindow = 0x7fffffff;

std::uint32_t number(std::string_view bytes) {
  return read_number(bytes.data(), bytes.size());
}

// Frames whose payload is read, and in pieces of how many bytes.
std::size_t unit_of(std::uint8_t type) {
  switch (type) {
    case kH2Settings:
      return 6;
    case kH2Ping:
      return 8;
    case kH2WindowUpdate:
      return 4;
    default:
      return 0;
  }
}

}  // namespace

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
  type_ = static_cast<std::uint8_t>(head[kH2TypeByte]);
  flags_ = static_cast<std::uint8_t>(head[kH2FlagsByte]);
  stream_ = number(head.substr(kH2StreamByte)) & 0x7fffffffU;
  // No larger ones were allowed.
  if (payload_left_ > kH2MaxPayload) return false;
  unit_wanted_ = unit_of(type_);
  if (unit_wanted_ != 0 && payload_left_ % unit_wanted_ != 0) return false;
  in_payload_ = true;
  return payload_left_ != 0 || end_frame();
}

bool H2Exchange::end_unit() {
  const std::string_view unit(unit_.data(), unit_wanted_);
  payload_left_ -= unit_wanted_;
  bool good = true;
  if (type_ == kH2Settings) {
    good = read_setting(unit);
  } else if (type_ == kH2Ping && (flags_ & kH2Ack) == 0) {
    good = reply(kH2Ping, unit);
  } else if (type_ == kH2WindowUpdate) {
    std::int64_t& window = stream_ == 0 ? connection_window_ : stream_window_;
    window += number(unit) & 0x7fffffffU;
    good = window <= kMaxWindow;
  }
  return good && (payload_left_ != 0 || end_frame());
}

bool H2Exchange::end_frame() {
  in_payload_ = false;
  unit_wanted_ = kH2FrameHead;
  const bool ends = (type_ == kH2Data || type_ == kH2Headers) && (flags_ & kH2EndStream) != 0;
  if (ends || type_ == kH2Reset) answered_ = true;
  return type_ != kH2Settings || (flags_ & kH2Ack) != 0 || reply(kH2Settings, {});
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
  write_frame_head(to, payload.size(), type, kH2Ack, 0);
  std::copy(payload.begin(), payload.end(), to + kH2FrameHead);
  reply_bytes_ += bytes;
  return true;
}

std::optional<std::size_t> H2Exchange::next_data(std::span<char, kH2FrameHead> head) {
  if (sent_end_) return std::nullopt;
  const std::int64_t window = std::min(connection_window_, stream_window_);
  if (body_left_ != 0 && window <= 0) return std::nullopt;
  const std::uint64_t allowed = std::min<std::uint64_t>(
      kH2MaxPayload, static_cast<std::uint64_t>(std::max<std::int64_t>(window, 0)));
  const std::uint64_t bytes = std::min(body_left_, allowed);
  body_left_ -= bytes;
  connection_window_ -= static_cast<std::int64_t>(bytes);
  stream_window_ -= static_cast<std::int64_t>(bytes);
  sent_end_ = body_left_ == 0;
  write_frame_head(head.data(), bytes, kH2Data, sent_end_ ? kH2EndStream : 0, 1);
  return bytes;
}

std::string_view H2Exchange::take_replies() {
  return {replies_.data(), std::exchange(reply_bytes_, 0)};
}

}  // namespace sluice::core
