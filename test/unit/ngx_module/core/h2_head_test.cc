#include "ngx_module/core/h2_head.h"

#include <gtest/gtest.h>

#include <string>

#include "ngx_module/core/preface.h"

namespace sluice::core {
namespace {

using std::string_literals::operator""s;

std::string frame(char type, const std::string& payload, char stream = 0, char flags = 0) {
  std::string head(9, '\0');
  head[2] = static_cast<char>(payload.size());
  head[3] = type;
  head[4] = flags;
  head[8] = stream;
  return head + payload;
}

std::span<unsigned char> bytes_of(std::string& text) {
  return {reinterpret_cast<unsigned char*>(text.data()), text.size()};
}

// As nginx's grpc module begins one.
const std::string kConnection = std::string(kPreface) + frame(4, "settings") + frame(8, "wide");

std::string request(const std::string& fields) {
  return kConnection + frame(1, fields);
}

std::string written(std::string head, bool https) {
  write_scheme(bytes_of(head), https);
  return head;
}

TEST(H2HeadTest, TheSchemeFollowsAnyMethod) {
  for (const std::string& method : {"\x82"s, "\x83"s, "\x42\x03PUT"s, "\x42\x83xyz"s}) {
    const std::string plain = request(method + "\x86\x84");
    const std::string secured = request(method + "\x87\x84");
    EXPECT_EQ(written(plain, true), secured);
    EXPECT_EQ(written(secured, false), plain);
    EXPECT_EQ(written(plain, false), plain);
  }
}

TEST(H2HeadTest, WhatNginxDoesNotWriteStaysAsItIs) {
  for (const std::string& bytes :
       {""s, std::string(kPreface), request(""), request("\x82"), request("\x82\x84"),
        request("\x42"), request("\x42\x7f\x86"), request("\x42\x09PUT\x86"), request("\x10\x86"),
        std::string(kPreface) + frame(4, "settings"), "POST"s + request("\x82\x86"),
        request("\x82\x86").substr(0, request("\x82\x86").size() - 1)}) {
    EXPECT_EQ(written(bytes, true), bytes);
  }
}

TEST(H2HeadTest, TheFramesOfFieldsGetTheirStream) {
  std::string head = kConnection + frame(1, "some", 7) + frame(9, "fields", 7, 4);
  EXPECT_EQ(begin_h2_stream(bytes_of(head)), false);
  EXPECT_EQ(head, kConnection + frame(1, "some", 1) + frame(9, "fields", 1, 4));
  head = kConnection + frame(1, "fields", 7, 5);
  EXPECT_EQ(begin_h2_stream(bytes_of(head)), true);
}

TEST(H2HeadTest, WhatDoesNotBeginAStreamGivesNothing) {
  for (std::string head : {"GET / HTTP/1.1\r\n\r\n"s, std::string(kPreface), ""s,
                           std::string(kPreface) + frame(1, "fields", 1, 5).substr(0, 12),
                           std::string(kPreface) + "12345678"}) {
    EXPECT_EQ(begin_h2_stream(bytes_of(head)), std::nullopt) << head;
  }
}

}  // namespace
}  // namespace sluice::core
