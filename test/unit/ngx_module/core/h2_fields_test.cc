#include "ngx_module/core/h2_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "ngx_module/core/huffman.h"

namespace sluice::core {
namespace {

using std::string_literals::operator""s;

// "name=value\n" for each field, and a last line for what is none.
std::string read(const std::string& coded) {
  std::string memory(huffman_decoded_bytes(coded.size()), '\0');
  H2FieldReader reader(coded, memory);
  std::string text;
  while (const auto field = reader.next())
    text += std::string(field->name) + "=" + std::string(field->value) + "\n";
  return text + (reader.broken() ? "(broken)" : "");
}

TEST(H2FieldsTest, FieldsOfTheStaticTableAreAbbreviated) {
  EXPECT_EQ(read("\x82\x86\x84"), ":method=GET\n:scheme=http\n:path=/\n");
  EXPECT_EQ(read("\x83\x87\x85"), ":method=POST\n:scheme=https\n:path=/index.html\n");
}

TEST(H2FieldsTest, ANameOfTheTableMayHaveAnotherValue) {
  EXPECT_EQ(read("\x42\3PUT\x44\2/a\x41\1h"), ":method=PUT\n:path=/a\n:authority=h\n");
  EXPECT_EQ(read("\2\3PUT\x14\2/a"), ":method=PUT\n:path=/a\n");
}

TEST(H2FieldsTest, NamesAreWrittenOut) {
  EXPECT_EQ(read("\0\3x-a\1b\x40\3x-c\0\x10\3x-e\1f"s), "x-a=b\nx-c=\nx-e=f\n");
}

TEST(H2FieldsTest, TextsMayBeInHuffmanCode) {
  EXPECT_EQ(read("\0\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x86\xa8\xeb\x10\x64\x9c\xbf"s),
            "custom-key=no-cache\n");
}

TEST(H2FieldsTest, LongTextsHaveMoreBytesOfLength) {
  const std::string text(127, 'v');
  EXPECT_EQ(read("\0\1n\x7f\0"s + text), "n=" + text + "\n");
  const std::string longer(127 + 128 * 300 + 5, 'v');
  EXPECT_EQ(read("\0\1n\x7f\x85\xac\2"s + longer), "n=" + longer + "\n");
}

TEST(H2FieldsTest, WhatNginxDoesNotWriteIsRefused) {
  for (const std::string& coded : {
           "\x80"s,                         // no place of the table
           "\x88"s,                         // a place that no request has
           "\xbe"s,                         // of the dynamic table
           "\x48\1v"s, "\x0f\1\1v"s,        // the same with a value
           "\x20"s, "\x3f\x10"s,            // the size of the dynamic table
           "\0"s, "\0\3x-"s, "\0\1n"s,      // broken off
           "\0\1n\2v"s, "\0\1n\x7f"s,       //
           "\0\1n\x7f\xff\xff\xff\xff\1"s,  // a length beyond all heads
           "\0\1n\x81\0"s,                  // no Huffman code
       }) {
    EXPECT_EQ(read(coded), "(broken)");
  }
  EXPECT_EQ(read("\x82\xff"), ":method=GET\n(broken)");
}

}  // namespace
}  // namespace sluice::core
