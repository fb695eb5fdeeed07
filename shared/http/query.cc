#include "shared/http/query.h"

#include <algorithm>

#include "shared/http/escape.h"

namespace sluice::http {

namespace {

// The byte at `at`, decoded; moves `at` behind it.
char decode_next(std::string_view raw, std::size_t& at) {
  const char c = raw[at];
  if (c == '%') {
    const int byte = escaped_byte(raw, at);
    if (byte >= 0) {
      at += 3;
      return static_cast<char>(byte);
    }
  }
  ++at;
  return c == '+' ? ' ' : c;
}

}  // namespace

void QueryParameters::parse(std::string_view query) {
  count_ = 0;
  while (!query.empty() && count_ < kMaxQueryParameters) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    parameters_[count_++] = {piece.substr(0, equals),
                             piece.substr(std::min(equals + 1, piece.size()))};
  }
}

const QueryParameter* QueryParameters::find(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (decodes_to(parameters_[i].name, name)) return &parameters_[i];
  }
  return nullptr;
}

bool decodes_to(std::string_view raw, std::string_view plain) {
  if (raw.size() < plain.size()) return false;
  std::size_t at = 0;
  for (const char c : plain) {
    if (at == raw.size() || decode_next(raw, at) != c) return false;
  }
  return at == raw.size();
}

std::optional<std::string_view> decode_query(std::string_view raw, std::span<char> buffer) {
  if (raw.find_first_of("%+") == std::string_view::npos) return raw;
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < raw.size(); ++bytes) {
    if (bytes == buffer.size()) return std::nullopt;
    buffer[bytes] = decode_next(raw, at);
  }
  return std::string_view(buffer.data(), bytes);
}

}  // namespace sluice::http
