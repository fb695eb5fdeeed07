#include "ngx_module/core/h2_exchange.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::core {
namespace {

std::string frame(int type, int flags, int stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0})
    out += static_cast<char>(payload.size() >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0})
    out += static_cast<char>(stream >> shift & 0xff);
  return out + std::string(payload);
}

std::string number(std::uint32_t value) {
  std::string out;
  for (const int shift : {24, 16, 8, 0})
    out += static_cast<char>(value >> shift & 0xff);
  return out;
}

std::string initial_window(std::uint32_t bytes) {
  return frame(4, 0, 0, std::string("\0\4", 2) + number(bytes));
}

// Sizes of all DATA frames that may be sent now; the last one's flags in `flags`.
std::vector<std::size_t> data(H2Exchange& exchange, int& flags) {
  std::vector<std::size_t> sizes;
  std::array<char, kH2FrameHead> head{};
  while (const auto bytes = exchange.next_data(head)) {
    sizes.push_back(*bytes);
    flags = static_cast<unsigned char>(head[4]);
    EXPECT_EQ(std::string(head.data(), head.size()),
              frame(0, flags, 1, std::string(*bytes, 'x')).substr(0, kH2FrameHead));
  }
  return sizes;
}

TEST(H2ExchangeTest, ABodyIsCutIntoFramesAndEndsTheStream) {
  H2Exchange exchange(false, 40000);
  int flags = 0;
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{16384, 16384, 7232}));
  EXPECT_EQ(flags, 1);
  EXPECT_TRUE(exchange.sent());
}

TEST(H2ExchangeTest, WithoutABodyAnEmptyFrameEndsTheStream) {
  H2Exchange exchange(false, 0);
  int flags = 0;
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{0}));
  EXPECT_EQ(flags, 1);
}

TEST(H2ExchangeTest, AHeadThatEndedTheStreamIsAll) {
  H2Exchange exchange(true, 5);
  int flags = 0;
  EXPECT_TRUE(exchange.sent());
  EXPECT_EQ(data(exchange, flags), std::vector<std::size_t>{});
}

TEST(H2ExchangeTest, WindowsHoldTheBodyBack) {
  H2Exchange exchange(false, 100'000);
  int flags = 0;
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{16384, 16384, 16384, 16383}));
  EXPECT_EQ(flags, 0);
  ASSERT_TRUE(exchange.read(frame(8, 0, 0, number(100'000))));
  EXPECT_EQ(data(exchange, flags), std::vector<std::size_t>{});
  ASSERT_TRUE(exchange.read(frame(8, 0, 1, number(1000))));
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{1000}));
  ASSERT_TRUE(exchange.read(initial_window(65535 + 2000)));
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{2000}));
  EXPECT_FALSE(exchange.sent());
}

TEST(H2ExchangeTest, AWindowThatShrinksBelowZeroIsMadeUpForFirst) {
  H2Exchange exchange(false, 100'000);
  int flags = 0;
  data(exchange, flags);
  ASSERT_TRUE(exchange.read(initial_window(100)) && exchange.read(frame(8, 0, 0, number(100'000))));
  ASSERT_TRUE(exchange.read(frame(8, 0, 1, number(65435))));
  EXPECT_EQ(data(exchange, flags), std::vector<std::size_t>{});
  ASSERT_TRUE(exchange.read(frame(8, 0, 1, number(7))));
  EXPECT_EQ(data(exchange, flags), (std::vector<std::size_t>{7}));
}

TEST(H2ExchangeTest, SettingsAndPingsAreAcknowledgedOnce) {
  H2Exchange exchange(false, 1);
  ASSERT_TRUE(exchange.read(frame(4, 0, 0, "") + frame(6, 0, 0, "12345678")));
  EXPECT_EQ(exchange.take_replies(), frame(4, 1, 0, "") + frame(6, 1, 0, "12345678"));
  ASSERT_TRUE(exchange.read(frame(4, 1, 0, "") + frame(6, 1, 0, "12345678")));
  EXPECT_EQ(exchange.take_replies(), "");
}

TEST(H2ExchangeTest, TheAnswerEndsWithDataFieldsOrAReset) {
  for (const std::string& last :
       {frame(0, 1, 1, "body"), frame(1, 5, 1, "fields"), frame(3, 0, 1, number(2))}) {
    H2Exchange exchange(false, 1);
    const std::string all = initial_window(5) + frame(1, 4, 1, "fields") + frame(0, 0, 1, "body") +
                            frame(7, 0, 0, "12345678") + last;
    // Byte by byte: frames come as the network cuts them.
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_FALSE(exchange.answered()) << i;
      ASSERT_TRUE(exchange.read(all.substr(i, 1))) << i;
    }
    EXPECT_TRUE(exchange.answered());
  }
}

TEST(H2ExchangeTest, WhatIsNoHttp2IsRefused) {
  EXPECT_FALSE(H2Exchange(false, 1).read("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_FALSE(H2Exchange(false, 1).read(frame(6, 0, 0, "123")));
  EXPECT_FALSE(H2Exchange(false, 1).read(frame(4, 0, 0, "12345")));
  EXPECT_FALSE(H2Exchange(false, 1).read(initial_window(0x80000000U)));
  EXPECT_FALSE(H2Exchange(false, 1).read(frame(8, 0, 1, number(0x7fffffff))));
  EXPECT_FALSE(H2Exchange(false, 1).read(frame(0, 0, 1, std::string(16385, 'x'))));
}

TEST(H2ExchangeTest, PingsWithoutEndAreRefused) {
  H2Exchange exchange(false, 1);
  std::string pings;
  for (int i = 0; i < 20; ++i)
    pings += frame(6, 0, 0, "12345678");
  EXPECT_FALSE(exchange.read(pings));
}

}  // namespace
}  // namespace sluice::core
