#include "controller/resolve/address_pool.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "controller/resolve/address.h"

namespace sluice::resolve {
namespace {

AddressPool pool_of(std::initializer_list<const char*> networks) {
  std::vector<http::IpNetwork> parsed;
  for (const char* text : networks)
    parsed.push_back(http::parse_ip_network(text).value());
  return AddressPool(parsed);
}

http::IpAddress address(const std::string& text) {
  return http::parse_ip_address(text).value();
}

// What is given when everything that was given stays taken, until nothing is left.
std::string all_of(const AddressPool& pool, bool ipv6, const std::string& after = "") {
  TakenAddresses taken;
  std::optional<http::IpAddress> newest;
  if (!after.empty()) newest = address(after);
  std::string all;
  while (const auto next = pool.next_free(ipv6, taken, newest)) {
    newest = next;
    taken.emplace(*next, model::ObjectName{"ns", "gw"});
    all += (all.empty() ? "" : " ") + address_text(*next);
  }
  return all;
}

TEST(AddressPoolTest, NetworkAndBroadcastAddressesAreLeftOut) {
  EXPECT_EQ(all_of(pool_of({"10.0.0.0/30"}), false), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(all_of(pool_of({"10.0.0.8/31"}), false), "10.0.0.8 10.0.0.9");
  EXPECT_EQ(all_of(pool_of({"10.0.0.8/32"}), false), "10.0.0.8");
}

TEST(AddressPoolTest, TheAnycastAddressOfRoutersIsLeftOut) {
  EXPECT_EQ(all_of(pool_of({"fd00::/126"}), true), "fd00::1 fd00::2 fd00::3");
  EXPECT_EQ(all_of(pool_of({"fd00::8"}), true), "fd00::8");
}

TEST(AddressPoolTest, WhatWasGivenLastIsGivenAgainLast) {
  EXPECT_EQ(all_of(pool_of({"10.0.0.0/29"}), false, "10.0.0.4"),
            "10.0.0.5 10.0.0.6 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4");
}

TEST(AddressPoolTest, SeveralNetworksAreGoneThroughInTheirOrder) {
  EXPECT_EQ(all_of(pool_of({"10.9.0.0/30", "fd00::8", "10.1.0.0/31"}), false),
            "10.9.0.1 10.9.0.2 10.1.0.0 10.1.0.1");
}

TEST(AddressPoolTest, ANetworkInsideAnotherOneAddsNothing) {
  EXPECT_EQ(all_of(pool_of({"10.0.0.4/31", "10.0.0.0/29", "10.0.0.0/29"}), false),
            "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6");
}

TEST(AddressPoolTest, AddressesGoOnBehindAByteThatIsFull) {
  const AddressPool pool = pool_of({"10.0.0.0/16", "fd00::/64"});
  EXPECT_EQ(pool.next_free(false, {}, address("10.0.0.255")), address("10.0.1.0"));
  EXPECT_EQ(pool.next_free(false, {}, address("10.0.255.254")), address("10.0.0.1"));
  EXPECT_EQ(pool.next_free(true, {}, address("fd00::ffff:ffff")), address("fd00::1:0:0"));
}

TEST(AddressPoolTest, OnlyAddressesThatCanBeGivenAreInThePool) {
  const AddressPool pool = pool_of({"10.0.0.0/30", "fd00::/64"});
  for (const char* text : {"10.0.0.1", "10.0.0.2", "fd00::1", "fd00::ffff:ffff:ffff:ffff"})
    EXPECT_TRUE(pool.contains(address(text))) << text;
  for (const char* text : {"10.0.0.0", "10.0.0.3", "10.0.0.4", "fd00::", "fd00:0:0:1::1", "::1"})
    EXPECT_FALSE(pool.contains(address(text))) << text;
}

TEST(AddressPoolTest, AFamilyWithoutANetworkHasNoAddress) {
  const AddressPool pool = pool_of({"10.0.0.0/30"});
  EXPECT_EQ(all_of(pool, true), "");
  EXPECT_EQ(pool.text(true), "");
  EXPECT_EQ(pool.families(), std::vector<bool>{false});
}

}  // namespace
}  // namespace sluice::resolve
