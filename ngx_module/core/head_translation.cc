#include "ngx_module/core/head_translation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ngx_module/core/h2_fields.h"
#include "ngx_module/core/h2_head.h"
#include "ngx_module/core/preface.h"
#include "shared/http/field.h"
#include "shared/http/head_line.h"

namespace sluice::core {

namespace {

constexpr std::string_view kVersion = " HTTP/1.1\r\n";

// The settings: no pushes, and as many bytes of an answer as the server likes.
constexpr std::string_view kWishes(
    "\0\0\x0c\4\0\0\0\0\0"
    "\0\2\0\0\0\0"
    "\0\4\x7f\xff\xff\xff"
    "\0\0\4\x08\0\0\0\0\0"
    "\x7f\xff\0\0",
    34);

// Places in the static table.
constexpr char kAuthority = 1;
constexpr char kMethod = 2;
constexpr char kPath = 4;
constexpr char kHttp = '\x86';
constexpr char kHttps = '\x87';

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > ' ' && c != 0x7f;
         });
}

// A text in the caller's memory.
class Text {
 public:
  explicit Text(std::span<char> room) : room_(room) {}

  void put(std::string_view bytes) {
    full_ = full_ || bytes.size() > room_.size() - size_;
    if (full_) return;
    std::copy(bytes.begin(), bytes.end(), room_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += bytes.size();
  }

  std::size_t size() const { return size_; }

  // None: not all did fit.
  std::optional<std::span<char>> written() const {
    return full_ ? std::nullopt : std::optional(room_.first(size_));
  }

 private:
  std::span<char> room_;
  std::size_t size_ = 0;
  bool full_ = false;
};

std::optional<std::string_view> view_of(const Text& text) {
  const auto written = text.written();
  if (!written) return std::nullopt;
  return std::string_view(written->data(), written->size());
}

// Coded fields in frames, new ones where they are full.
class FieldFrames {
 public:
  FieldFrames(std::span<char> room, bool ends_stream) : text_(room) {
    text_.put(kPreface);
    text_.put(kWishes);
    begin(kH2Headers, ends_stream ? kH2EndStream : 0);
  }

  void put(char byte) { put({&byte, 1}); }

  void put(std::string_view bytes) {
    while (!bytes.empty()) {
      if (payload_ == kH2MaxPayload) {
        end();
        begin(kH2Continuation, 0);
      }
      const std::size_t taken = std::min(bytes.size(), kH2MaxPayload - payload_);
      text_.put(bytes.substr(0, taken));
      payload_ += taken;
      bytes.remove_prefix(taken);
    }
  }

  void put_text(std::string_view text) {
    put_length(text.size());
    put(text);
  }

  void put_name(std::string_view name) {
    put_length(name.size());
    for (const char c : name)
      put(http::lower(c));
  }

  std::optional<std::string_view> finish() {
    flags_ |= kH2EndHeaders;
    end();
    return view_of(text_);
  }

 private:
  void put_length(std::size_t bytes) {
    constexpr std::size_t kInOneByte = 127;
    if (bytes < kInOneByte) return put(static_cast<char>(bytes));
    put(static_cast<char>(kInOneByte));
    for (bytes -= kInOneByte; bytes >= 128; bytes /= 128)
      put(static_cast<char>(bytes % 128 + 128));
    put(static_cast<char>(bytes));
  }

  void begin(std::uint8_t type, std::uint8_t flags) {
    constexpr std::array<char, kH2FrameHead> kUnknown{};
    frame_ = text_.size();
    text_.put({kUnknown.data(), kUnknown.size()});
    payload_ = 0;
    type_ = type;
    flags_ = flags;
  }

  void end() {
    const auto written = text_.written();
    if (written) write_frame_head(written->data() + frame_, payload_, type_, flags_, 1);
  }

  Text text_;
  std::size_t frame_ = 0;  // where it begins
  std::size_t payload_ = 0;
  std::uint8_t type_ = 0;
  std::uint8_t flags_ = 0;
};

// In the order of nginx.
bool write_request_line(H2FieldReader& fields, Text& text) {
  const auto method = fields.next();
  if (!method || method->name != ":method" || !http::is_field_name(method->value)) return false;
  text.put(method->value);
  const auto scheme = fields.next();
  if (!scheme || scheme->name != ":scheme") return false;
  const auto path = fields.next();
  if (!path || path->name != ":path" || !is_target(path->value)) return false;
  text.put(" ");
  text.put(path->value);
  text.put(kVersion);
  return true;
}

struct RequestLine {
  std::string_view method;
  std::string_view target;
};

std::optional<RequestLine> parse_request_line(std::string_view line) {
  if (!line.ends_with(kVersion)) return std::nullopt;
  line.remove_suffix(kVersion.size());
  const std::size_t blank = std::min(line.find(' '), line.size());
  const RequestLine parsed{line.substr(0, blank), line.substr(std::min(blank + 1, line.size()))};
  if (!http::is_field_name(parsed.method) || !is_target(parsed.target)) return std::nullopt;
  return parsed;
}

bool is_host(std::string_view name) {
  return http::same_header_name(name, "Host");
}

// The first one.
std::optional<std::string_view> host_of(std::string_view lines) {
  while (const auto field = http::field_of(http::take_line(lines))) {
    if (is_host(field->name)) return field->value;
  }
  return std::nullopt;
}

// Of HTTP/2 the length is a field like others.
bool is_for_http2(std::string_view name) {
  return !is_host(name) &&
         (!http::is_connection_field(name) || http::same_header_name(name, "Content-Length"));
}

bool is_good(std::string_view name, std::string_view value) {
  return http::is_field_name(name) && http::is_field_value(value);
}

}  // namespace

std::optional<std::string_view> http1_head_of(std::string_view http2, std::span<char> buffer) {
  if (buffer.size() < http1_head_room(http2.size())) return std::nullopt;
  const std::span head(reinterpret_cast<const unsigned char*>(http2.data()), http2.size());
  const auto coded = join_fields(head, buffer.last(http2.size()));
  if (!coded) return std::nullopt;
  buffer = buffer.first(buffer.size() - http2.size());
  H2FieldReader fields(*coded, buffer.last(2 * http2.size()));
  Text text(buffer.first(buffer.size() - 2 * http2.size()));
  if (!write_request_line(fields, text)) return std::nullopt;
  bool has_host = false;
  while (const auto field = fields.next()) {
    const std::string_view name = field->name == ":authority" ? "Host" : field->name;
    if (!is_good(name, field->value)) return std::nullopt;
    if (is_host(name) && std::exchange(has_host, true)) continue;
    for (const std::string_view part : {name, std::string_view(": "), field->value, http::kLineEnd})
      text.put(part);
  }
  text.put(http::kLineEnd);
  return fields.broken() ? std::nullopt : view_of(text);
}

std::optional<std::string_view> http2_head_of(std::string_view http1, const H2Terms& terms,
                                              std::span<char> buffer) {
  std::string_view rest = http1;
  const auto request = parse_request_line(http::take_line(rest));
  if (!request) return std::nullopt;
  FieldFrames frames(buffer, terms.ends_stream);
  frames.put(kMethod);
  frames.put_text(request->method);
  frames.put(terms.https ? kHttps : kHttp);
  frames.put(kPath);
  frames.put_text(request->target);
  if (const auto host = host_of(rest)) {
    if (!http::is_field_value(*host)) return std::nullopt;
    frames.put(kAuthority);
    frames.put_text(*host);
  }
  auto line = http::take_line(rest);
  for (; line != http::kLineEnd; line = http::take_line(rest)) {
    const auto field = http::field_of(line);
    if (!field || !is_good(field->name, field->value)) return std::nullopt;
    if (!is_for_http2(field->name)) continue;
    frames.put('\0');  // a new name
    frames.put_name(field->name);
    frames.put_text(field->value);
  }
  return frames.finish();
}

}  // namespace sluice::core
