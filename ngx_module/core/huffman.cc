#include "ngx_module/core/huffman.h"

#include <array>
#include <cstdint>

namespace sluice::core {

namespace {

constexpr std::size_t kMaxBits = 30;

// The code is canonical: codes of one length are consecutive numbers, and the first one follows
// from the shorter ones. So it is enough to know how many codes have a length, and their bytes.
constexpr std::array<std::uint8_t, kMaxBits + 1> kCodesOfLength = {
    0, 0, 0, 0, 0, 10, 26, 32, 6,  0, 5,  3,  2,  6, 2, 3,
    0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4};

// The last code of 30 bits stands for the end and is not here.
constexpr std::array<std::uint8_t, 256> kBytes = {
    48,  49,  50,  97,  99,  101, 105, 111, 115, 116, 32,  37,  45,  46,  47,  51,  52,  53,  54,
    55,  56,  57,  61,  65,  95,  98,  100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58,  66,
    67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,  85,
    86,  87,  89,  106, 107, 113, 118, 119, 120, 121, 122, 38,  42,  44,  59,  88,  90,  33,  34,
    40,  41,  63,  39,  43,  124, 35,  62,  0,   36,  64,  91,  93,  126, 94,  125, 60,  96,  123,
    92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209,
    216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173,
    178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,   135, 137, 138, 139, 140, 141,
    143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191,
    197, 231, 239, 9,   142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235,
    192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212,
    214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2,   3,   4,   5,
    6,   7,   8,   11,  12,  14,  15,  16,  17,  18,  19,  20,  21,  23,  24,  25,  26,  27,  28,
    29,  30,  31,  127, 220, 249, 10,  13,  22};

// Reads one code after the other, bit by bit.
class CodeReader {
 public:
  enum class Step : std::uint8_t { kMore, kByte, kBroken };

  Step take(bool bit) {
    only_ones_ = only_ones_ && bit;
    code_ = code_ << 1 | (bit ? 1U : 0U);
    first_ <<= 1;
    ++bits_;
    const std::uint32_t codes = kCodesOfLength[bits_];
    if (code_ - first_ < codes) {
      const std::size_t place = shorter_ + (code_ - first_);
      if (place >= kBytes.size()) return Step::kBroken;
      *this = CodeReader();
      byte_ = static_cast<char>(kBytes[place]);
      return Step::kByte;
    }
    first_ += codes;
    shorter_ += codes;
    return bits_ < kMaxBits ? Step::kMore : Step::kBroken;
  }

  char byte() const { return byte_; }

  // A text may end here: what is left of the last byte is filled with ones.
  bool may_end() const { return bits_ < 8 && only_ones_; }

 private:
  std::uint32_t code_ = 0;
  std::uint32_t first_ = 0;  // of the codes with so many bits
  std::size_t shorter_ = 0;  // how many codes have fewer bits
  std::size_t bits_ = 0;
  bool only_ones_ = true;
  char byte_ = 0;
};

}  // namespace

std::optional<std::string_view> huffman_decode(std::string_view coded, std::span<char> buffer) {
  CodeReader reader;
  std::size_t size = 0;
  for (const char coded_byte : coded) {
    for (int bit = 7; bit >= 0; --bit) {
      const CodeReader::Step step = reader.take((coded_byte >> bit & 1) != 0);
      if (step == CodeReader::Step::kMore) continue;
      if (step == CodeReader::Step::kBroken || size == buffer.size()) return std::nullopt;
      buffer[size++] = reader.byte();
    }
  }
  if (!reader.may_end()) return std::nullopt;
  return std::string_view(buffer.data(), size);
}

}  // namespace sluice::core
