#include "ngx_module/core/h2_fields.h"

#include <array>

#include "ngx_module/core/huffman.h"

namespace sluice::core {

namespace {

constexpr unsigned kIndexed = 0x80;           // name and value; else a value follows
constexpr unsigned kForDynamicTable = 0x40;   // which nobody looks into
constexpr unsigned kDynamicTableSize = 0x20;  // no field at all
constexpr unsigned kHuffman = 0x80;

// The first ones of the static table, which are those of requests.
constexpr std::array<H2Field, 7> kStaticTable = {{{":authority", ""},
                                                  {":method", "GET"},
                                                  {":method", "POST"},
                                                  {":path", "/"},
                                                  {":path", "/index.html"},
                                                  {":scheme", "http"},
                                                  {":scheme", "https"}}};

const H2Field* static_field(std::optional<std::size_t> index) {
  return index && *index > 0 && *index <= kStaticTable.size() ? &kStaticTable[*index - 1] : nullptr;
}

}  // namespace

std::optional<H2Field> H2FieldReader::next() {
  if (broken_ || rest_.empty()) return std::nullopt;
  const auto field = read();
  broken_ = !field;
  return field;
}

std::optional<H2Field> H2FieldReader::read() {
  const unsigned first = static_cast<unsigned char>(rest_.front());
  if ((first & kIndexed) != 0) {
    const H2Field* const field = static_field(read_number(7));
    return field == nullptr ? std::nullopt : std::optional(*field);
  }
  const bool for_table = (first & kForDynamicTable) != 0;
  if (!for_table && (first & kDynamicTableSize) != 0) return std::nullopt;
  const auto index = read_number(for_table ? 6 : 4);
  std::span<char> memory = memory_;
  std::optional<std::string_view> name;
  if (index == std::size_t{0}) {
    name = read_text(memory);
  } else if (const H2Field* const field = static_field(index)) {
    name = field->name;
  }
  if (!name) return std::nullopt;
  const auto value = read_text(memory);
  if (!value) return std::nullopt;
  return H2Field{*name, *value};
}

std::optional<std::size_t> H2FieldReader::read_number(unsigned prefix_bits) {
  constexpr unsigned kMaxShift = 14;  // that is 2 MiB; no head of a request has more
  if (rest_.empty()) return std::nullopt;
  const std::size_t full = (std::size_t{1} << prefix_bits) - 1;
  std::size_t value = static_cast<unsigned char>(rest_.front()) & full;
  rest_.remove_prefix(1);
  if (value < full) return value;
  for (unsigned shift = 0; shift <= kMaxShift && !rest_.empty(); shift += 7) {
    const std::size_t byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value += (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> H2FieldReader::read_text(std::span<char>& memory) {
  if (rest_.empty()) return std::nullopt;
  const bool huffman = (static_cast<unsigned char>(rest_.front()) & kHuffman) != 0;
  const auto bytes = read_number(7);
  if (!bytes || *bytes > rest_.size()) return std::nullopt;
  const std::string_view coded = rest_.substr(0, *bytes);
  rest_.remove_prefix(*bytes);
  if (!huffman) return coded;
  const auto text = huffman_decode(coded, memory);
  if (text) memory = memory.subspan(text->size());
  return text;
}

}  // namespace sluice::core
