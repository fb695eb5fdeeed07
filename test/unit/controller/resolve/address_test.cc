#include "controller/resolve/address.h"

#include <gtest/gtest.h>

#include "controller/resolve/delta.h"

namespace sluice::resolve {
namespace {

TEST(AddressTest, OneAddressHasOneText) {
  EXPECT_EQ(canonical_address("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(canonical_address("2001:0DB8::0001"), "2001:db8::1");
  EXPECT_EQ(canonical_address("10.0.0.1"), "10.0.0.1");
}

TEST(AddressTest, WhatIsNoAddressHasNone) {
  EXPECT_EQ(canonical_address(""), std::nullopt);
  EXPECT_EQ(canonical_address("example.com"), std::nullopt);
  EXPECT_EQ(canonical_address("010.0.0.1"), std::nullopt);
  EXPECT_EQ(canonical_address("[::1]"), std::nullopt);
}

TEST(AddressTest, OrdinaryAddressesAreUsable) {
  for (const char* address : {"0.0.0.0", "::", "127.0.0.1", "::1", "203.0.113.7", "fd00::1"}) {
    EXPECT_EQ(why_unusable(address), "") << address;
  }
}

TEST(AddressTest, AddressesThatNothingCanListenOnSayWhy) {
  EXPECT_EQ(why_unusable("255.255.255.255"), "is the broadcast address");
  EXPECT_EQ(why_unusable("224.0.0.1"), "is a multicast address");
  EXPECT_EQ(why_unusable("ff02::1"), "is a multicast address");
  EXPECT_EQ(why_unusable("fe80::1"), "is a link-local address, which needs an interface");
  EXPECT_EQ(why_unusable("gateway"), "is not an IP address");
}

TEST(AddressTest, SocketsOfIpv6AddressesAreWrittenInBrackets) {
  EXPECT_EQ((Socket{"0.0.0.0", 80}.text()), "0.0.0.0:80");
  EXPECT_EQ((Socket{"::", 8080}.text()), "[::]:8080");
  EXPECT_EQ((Socket{"::", 5300, Transport::kUdp}.text()), "[::]:5300/udp");
}

}  // namespace
}  // namespace sluice::resolve
