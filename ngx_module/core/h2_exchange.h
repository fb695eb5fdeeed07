// One request on an HTTP/2 connection of its own, seen by the client: what of the body may be sent
// when, and what the server's frames mean for it. Fields are never read, only where they end.
//
// Process: nginx worker.   Thread: any.   Allocates: nothing.
// Spec: RFC 9113 4, 5.2, 6.   Tested by: test/unit/ngx_module/core/h2_exchange_test.cc
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ngx_module/core/h2_frame.h"

namespace sluice::core {

class H2Exchange {
 public:
  // `ended`: the head ended the stream, so that there is no body.
  H2Exchange(bool ended, std::uint64_t body_bytes)
      : body_left_(ended ? 0 : body_bytes), sent_end_(ended) {}

  // Takes what the server sent. False: that is no HTTP/2, or answers would be too many.
  bool read(std::string_view bytes);

  // The server's side of the stream has ended.
  bool answered() const { return answered_; }

  // The request is sent as a whole.
  bool sent() const { return sent_end_; }

  // Writes the head of the next DATA frame, whose payload is as many of the next bytes of the body.
  // None: nothing may be sent now.
  std::optional<std::size_t> next_data(std::span<char, kH2FrameHead> head);

  // Frames that the server waits for; they count as sent.
  std::string_view take_replies();

 private:
  bool begin_frame();
  bool end_unit();
  bool end_frame();
  bool read_setting(std::string_view unit);
  bool reply(std::uint8_t type, std::string_view payload);

  std::int64_t connection_window_ = 65535;
  std::int64_t stream_window_ = 65535;
  std::int64_t initial_window_ = 65535;
  std::uint64_t body_left_;
  bool sent_end_;
  bool answered_ = false;

  std::array<char, kH2FrameHead> unit_{};  // of a frame: its head, then a piece of its payload
  std::size_t unit_bytes_ = 0;
  std::size_t unit_wanted_ = kH2FrameHead;
  bool in_payload_ = false;
  std::size_t payload_left_ = 0;
  std::uint8_t type_ = 0;
  std::uint8_t flags_ = 0;
  std::uint32_t stream_ = 0;

  std::array<char, 256> replies_{};
  std::size_t reply_bytes_ = 0;
};

}  // namespace sluice::core
