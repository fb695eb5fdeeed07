#include "ngx_module/core/h2_scheme.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ngx_module/core/preface.h"

namespace sluice::core {
namespace {

using std::string_literals::operator""s;

std::string frame(char type, const std::string& payload) {
  std::string head(9, '\0');
  head[2] = static_cast<char>(payload.size());
  head[3] = type;
  return head + payload;
}

// As nginx's grpc module begins one.
std::string request(const std::string& fields) {
  return std::string(kPreface) + frame(4, "settings") + frame(8, "wide") + frame(1, fields);
}

std::string written(std::string bytes, bool https) {
  write_scheme({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()}, https);
  return bytes;
}

TEST(H2SchemeTest, TheSchemeFollowsAnyMethod) {
  for (const std::string& method : {"\x82"s, "\x83"s, "\x42\x03PUT"s, "\x42\x83xyz"s}) {
    const std::string plain = request(method + "\x86\x84");
    const std::string secured = request(method + "\x87\x84");
    EXPECT_EQ(written(plain, true), secured);
    EXPECT_EQ(written(secured, false), plain);
    EXPECT_EQ(written(plain, false), plain);
  }
}

TEST(H2SchemeTest, WhatNginxDoesNotWriteStaysAsItIs) {
  for (const std::string& bytes :
       {""s, std::string(kPreface), request(""), request("\x82"), request("\x82\x84"),
        request("\x42"), request("\x42\x7f\x86"), request("\x42\x09PUT\x86"), request("\x10\x86"),
        std::string(kPreface) + frame(4, "settings"),
        request("\x82\x86").substr(0, request("\x82\x86").size() - 1)}) {
    EXPECT_EQ(written(bytes, true), bytes);
  }
}

}  // namespace
}  // namespace sluice::core
