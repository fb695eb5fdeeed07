#include "ngx_module/core/huffman.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string decoded(std::string_view hex) {
  const std::string coded = bytes_of(hex);
  std::string buffer(huffman_decoded_bytes(coded.size()), '\0');
  const auto text = huffman_decode(coded, buffer);
  return text ? std::string(*text) : "(none)";
}

// RFC 7541, C.4 and C.6.
TEST(HuffmanTest, TheExamplesOfTheSpecification) {
  EXPECT_EQ(decoded("f1e3c2e5f23a6ba0ab90f4ff"), "www.example.com");
  EXPECT_EQ(decoded("a8eb10649cbf"), "no-cache");
  EXPECT_EQ(decoded("25a849e95ba97d7f"), "custom-key");
  EXPECT_EQ(decoded("d07abe941054d444a8200595040b8166e082a62d1bff"),
            "Mon, 21 Oct 2013 20:13:21 GMT");
  EXPECT_EQ(decoded(""), "");
}

TEST(HuffmanTest, EveryByteHasItsCode) {
  const std::string coded = bytes_of(
      "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabff"
      "ffffdfffffebfffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffff"
      "d7fffffdbfffffdffffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b7"
      "1d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff"
      "4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ff"
      "ff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffff"
      "eeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdafffeeffff4ffffb7ff"
      "fee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0ffff17f"
      "ffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3"
      "ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8ffff"
      "fe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97f"
      "ffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffff"
      "a7ffffd7fffff9bffffecfffffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffb"
      "bfffff7ffffff0fffffbbf");
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  std::string buffer(all.size(), '\0');
  EXPECT_EQ(huffman_decode(coded, buffer), all);
}

TEST(HuffmanTest, TheShortestCodesFillTheBound) {
  EXPECT_EQ(decoded("0000000000"), "00000000");
}

TEST(HuffmanTest, WhatIsNoTextGivesNothing) {
  for (const char* hex : {
           "f1e3c2e5f23a6ba0ab90f4fe",  // filled with something else than ones
           "a8eb10649cbfff",            // filled with more than seven of them
           "fffffffc",                  // the code of the end
           "ffffffff",
           "ffff",  // ends within a code
       }) {
    EXPECT_EQ(decoded(hex), "(none)") << hex;
  }
}

TEST(HuffmanTest, WhatDoesNotFitGivesNothing) {
  std::string buffer(7, '\0');
  EXPECT_EQ(huffman_decode(bytes_of("a8eb10649cbf"), buffer), std::nullopt);
}

}  // namespace
}  // namespace sluice::core
