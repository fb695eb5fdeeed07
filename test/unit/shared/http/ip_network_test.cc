#include "shared/http/ip_network.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

bool is_in(std::string_view network, std::string_view address) {
  const auto parsed = parse_ip_network(network);
  const auto other = parse_ip_address(address);
  EXPECT_TRUE(parsed) << network;
  EXPECT_TRUE(other) << address;
  return parsed && other && contains(*parsed, *other);
}

TEST(IpNetworkTest, ANetworkHoldsWhatSharesItsPrefix) {
  EXPECT_TRUE(is_in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(is_in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(is_in("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(is_in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(is_in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(is_in("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(IpNetworkTest, AnAddressAloneIsANetworkOfOne) {
  EXPECT_TRUE(is_in("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(is_in("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(is_in("::1", "::1"));
  EXPECT_FALSE(is_in("::1", "::2"));
}

TEST(IpNetworkTest, APrefixOfZeroIsTheWholeFamily) {
  EXPECT_TRUE(is_in("0.0.0.0/0", "255.1.2.3"));
  EXPECT_FALSE(is_in("0.0.0.0/0", "::1"));
  EXPECT_TRUE(is_in("::/0", "2001:db8::1"));
  EXPECT_FALSE(is_in("::/0", "10.0.0.1"));
}

TEST(IpNetworkTest, AMappedAddressIsTheIpv4One) {
  EXPECT_TRUE(is_in("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(is_in("::/0", "::ffff:10.1.2.3"));
}

TEST(IpNetworkTest, WhatIsNoNetworkIsRefused) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ",
        "10.0.0.1/8", "10.0.0/8", "2001:db8::/129", "2001:db8::1/32", "::ffff:10.0.0.0/104",
        "example.com", "10.0.0.0/8/8", "10.0.0.0/+8"}) {
    EXPECT_FALSE(parse_ip_network(text)) << text;
  }
}

TEST(IpNetworkTest, APrefixLongerThanTheAddressIsTheWholeAddress) {
  const IpNetwork network{*parse_ip_address("10.0.0.1"), 200};
  EXPECT_TRUE(contains(network, *parse_ip_address("10.0.0.1")));
  EXPECT_FALSE(contains(network, *parse_ip_address("10.0.0.2")));
}

TEST(IpNetworkTest, TextHasThePrefix) {
  EXPECT_EQ(network_text(*parse_ip_network("10.0.0.0/8")), "10.0.0.0/8");
  EXPECT_EQ(network_text(*parse_ip_network("2001:DB8:0::1")), "2001:db8::1/128");
}

}  // namespace
}  // namespace sluice::http
