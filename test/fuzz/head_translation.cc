// A head in either version of HTTP that was not written here: it is translated or refused, and what
// was translated says the same when it is translated back.
#include "ngx_module/core/head_translation.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ngx_module/core/h2_head.h"

namespace {

namespace core = sluice::core;

using Head = std::optional<std::string>;

void require(bool holds) {
  if (!holds) std::abort();
}

Head to_http1(std::string_view head) {
  const std::size_t room = core::http1_head_room(head.size());
  const auto buffer = std::make_unique<char[]>(room);  // without a spare byte
  const auto translated = core::http1_head_of(head, {buffer.get(), room});
  return translated ? Head(*translated) : std::nullopt;
}

Head to_http2(std::string_view head, bool ends_stream) {
  const std::size_t room = core::http2_head_room(head.size());
  const auto buffer = std::make_unique<char[]>(room);
  const auto translated = core::http2_head_of(head, {true, ends_stream}, {buffer.get(), room});
  return translated ? Head(*translated) : std::nullopt;
}

// The first translation may leave fields out, change their case and move the host; after that
// nothing is left to change.
void check_http1(std::string_view head, bool ends_stream) {
  const Head there = to_http2(head, ends_stream);
  if (!there) return;
  std::string frames = *there;
  const std::span bytes(reinterpret_cast<unsigned char*>(frames.data()), frames.size());
  require(core::begin_h2_stream(bytes) == ends_stream && frames == *there);
  const Head back = to_http1(*there);
  require(back && to_http2(*back, ends_stream) == there);
}

void check_http2(std::string_view head) {
  const Head there = to_http1(head);
  if (!there) return;
  require(there->ends_with("\r\n\r\n") && there->find('\0') == std::string::npos);
  const Head back = to_http2(*there, true);
  require(back && to_http1(*back).has_value());
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view head(reinterpret_cast<const char*>(data), size);
  check_http1(head, true);
  check_http1(head, false);
  check_http2(head);
  return 0;
}
