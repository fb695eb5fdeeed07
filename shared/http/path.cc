#include "shared/http/path.h"

#include <algorithm>
#include <cstddef>

#include "shared/http/escape.h"

namespace sluice::http {

namespace {

bool is_unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_refused(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f || c == '#';
}

char upper_hex(char c) {
  return c >= 'a' ? static_cast<char>(c - ('a' - 'A')) : c;
}

// Writes the path, forgetting segments as ".." asks. The output starts with '/', and segment_ is
// where the segment being written begins (behind its '/').
class PathWriter {
 public:
  explicit PathWriter(char* out) : out_(out) {}

  void put(char c) { out_[bytes_++] = c; }

  // Ends a segment. False: ".." above the root.
  bool end_segment(bool last) {
    const std::string_view segment(out_ + segment_, bytes_ - segment_);
    if (segment == ".") {
      bytes_ = segment_;
    } else if (segment == "..") {
      if (segment_ < 2) return false;
      bytes_ = segment_ - 1;
      while (out_[bytes_ - 1] != '/')
        --bytes_;
    } else if (!last) {
      out_[bytes_++] = '/';
    }
    segment_ = bytes_;
    return true;
  }

  std::size_t bytes() const { return bytes_; }

 private:
  char* out_;
  std::size_t bytes_ = 0;
  std::size_t segment_ = 0;
};

PathStatus rewrite(std::string_view raw, PathWriter& out) {
  out.put('/');
  out.end_segment(true);
  for (std::size_t i = 1; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '/') {
      if (!out.end_segment(false)) return PathStatus::kAboveRoot;
    } else if (c == '%') {
      const int byte = escaped_byte(raw, i);
      if (byte <= 0) return PathStatus::kMalformed;
      if (is_unreserved(byte)) {
        out.put(static_cast<char>(byte));
      } else {
        out.put('%');
        out.put(upper_hex(raw[i + 1]));
        out.put(upper_hex(raw[i + 2]));
      }
      i += 2;
    } else {
      if (is_refused(c)) return PathStatus::kMalformed;
      out.put(c);
    }
  }
  return out.end_segment(true) ? PathStatus::kChanged : PathStatus::kAboveRoot;
}

// True when nothing in the path can make it change: no escape, and no segment that begins with '.'.
// `plain` is set to false where a byte is refused.
bool needs_no_rewrite(std::string_view raw, bool& plain) {
  char previous = '/';
  for (const char c : raw) {
    if (c == '%' || (c == '.' && previous == '/')) return false;
    if (is_refused(c)) plain = false;
    previous = c;
  }
  return true;
}

}  // namespace

NormalisedPath normalise_path(std::string_view raw, std::span<char> buffer) {
  if (!raw.starts_with('/')) return {PathStatus::kMalformed, {}};
  bool plain = true;
  if (needs_no_rewrite(raw, plain)) {
    return plain ? NormalisedPath{PathStatus::kUnchanged, raw}
                 : NormalisedPath{PathStatus::kMalformed, {}};
  }
  if (raw.size() > buffer.size()) return {PathStatus::kTooLong, {}};
  PathWriter out(buffer.data());
  const PathStatus status = rewrite(raw, out);
  if (status != PathStatus::kChanged) return {status, {}};
  const std::string_view path(buffer.data(), out.bytes());
  if (path == raw) return {PathStatus::kUnchanged, raw};
  return {PathStatus::kChanged, path};
}

}  // namespace sluice::http
