#include "shared/http/forwarded.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

const std::array kTrusted = {*parse_ip_network("10.0.0.0/8"), *parse_ip_network("2001:db8::/32")};

std::string client(std::string_view list) {
  const auto found = find_client(list, kTrusted);
  return found ? std::string(found->text) : "(none)";
}

TEST(ForwardedTest, TheLastAddressThatIsNoTrustedProxyIsTheClient) {
  EXPECT_EQ(client("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client("192.0.2.1, 10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(client("192.0.2.1,10.0.0.1 , 10.0.0.2"), "192.0.2.1");
  EXPECT_EQ(client("192.0.2.1, 2001:db8::5"), "192.0.2.1");
}

TEST(ForwardedTest, WhatTheClientItselfWroteInFrontIsNotBelieved) {
  EXPECT_EQ(client("203.0.113.9, 192.0.2.1, 10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(client("10.9.9.9, 192.0.2.1"), "192.0.2.1");
}

TEST(ForwardedTest, WhenAllAreTrustedTheFirstOneIsTheClient) {
  EXPECT_EQ(client("10.0.0.7, 10.0.0.1"), "10.0.0.7");
}

TEST(ForwardedTest, WhatIsNoAddressEndsTheReading) {
  EXPECT_EQ(client("unknown, 10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(client("192.0.2.1, unknown"), "(none)");
  EXPECT_EQ(client(""), "(none)");
  EXPECT_EQ(client("192.0.2.1,"), "(none)");
}

TEST(ForwardedTest, PortsAndBracketsAreNoPartOfTheAddress) {
  EXPECT_EQ(client("192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(client("[2001:db9::1]:4711, 10.0.0.1:80"), "2001:db9::1");
  EXPECT_EQ(client("[2001:db9::1]"), "2001:db9::1");
  EXPECT_EQ(client("192.0.2.1:x"), "(none)");
  EXPECT_EQ(client("[2001:db9::1"), "(none)");
  EXPECT_EQ(client("[2001:db9::1]x"), "(none)");
}

}  // namespace
}  // namespace sluice::http
