// Frames of HTTP/2 as their bytes have them.
// Process: nginx worker.   Pure.   Spec: RFC 9113 4.1, 6, 7.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::core {

inline constexpr std::size_t kH2FrameHead = 9;  // length (3), type, flags, stream (4)
inline constexpr std::size_t kH2TypeByte = 3;
inline constexpr std::size_t kH2FlagsByte = 4;
inline constexpr std::size_t kH2StreamByte = 5;
inline constexpr std::size_t kH2MaxPayload = 16384;  // unless a peer allows more

enum H2FrameType : std::uint8_t {
  kH2Data = 0,
  kH2Headers = 1,
  kH2Reset = 3,
  kH2Settings = 4,
  kH2Ping = 6,
  kH2WindowUpdate = 8,
  kH2Continuation = 9,
};

inline constexpr std::uint8_t kH2EndStream = 1;   // of DATA and HEADERS
inline constexpr std::uint8_t kH2EndHeaders = 4;  // of HEADERS and CONTINUATION
inline constexpr std::uint8_t kH2Padded = 8;      // of HEADERS, as is the next one
inline constexpr std::uint8_t kH2Priority = 0x20;
inline constexpr std::uint8_t kH2Ack = 1;  // of SETTINGS and PING
inline constexpr std::uint8_t kH2RefusedStream = 7;

// Numbers of up to four bytes.
template <typename Byte>
std::uint32_t read_number(const Byte* from, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

template <typename Byte>
void write_number(Byte* to, std::size_t bytes, std::uint32_t value) {
  for (std::size_t i = bytes; i > 0; --i, value >>= 8)
    to[i - 1] = static_cast<Byte>(value & 0xff);
}

inline void write_frame_head(char* to, std::size_t payload, std::uint8_t type, std::uint8_t flags,
                             std::uint32_t stream) {
  write_number(to, 3, static_cast<std::uint32_t>(payload));
  to[kH2TypeByte] = static_cast<char>(type);
  to[kH2FlagsByte] = static_cast<char>(flags);
  write_number(to + kH2StreamByte, 4, stream);
}

}  // namespace sluice::core
