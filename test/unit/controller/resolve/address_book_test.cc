#include "controller/resolve/address_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resolve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AddressBookTest : public testing::Test {
 protected:
  static AddressBook book_of(std::initializer_list<const char*> networks) {
    std::vector<http::IpNetwork> parsed;
    for (const char* text : networks)
      parsed.push_back(http::parse_ip_network(text).value());
    return AddressBook(parsed);
  }

  // A smaller `created` is older. "" is an address without a value.
  void put(const std::string& name, std::int64_t created,
           std::initializer_list<const char*> values = {}) {
    model::Gateway gateway;
    gateway.meta.name = {"ns", name};
    gateway.meta.created = created;
    for (const char* value : values)
      gateway.addresses.push_back({"IPAddress", value, ""});
    book.put(gateway);
  }

  void adopt(const std::string& name, const std::vector<std::string>& addresses) {
    book.adopt({"ns", name}, addresses);
  }

  void remove(const std::string& name) { book.remove({"ns", name}); }

  const AddressGrant& of(const std::string& name) {
    book.settle();
    static const AddressGrant none;
    const AddressGrant* found = book.find({"ns", name});
    return found == nullptr ? none : *found;
  }

  AddressBook book = book_of({"10.0.0.0/29"});
};

TEST_F(AddressBookTest, EachGatewayGetsAnAddressOfItsOwn) {
  put("a", 1);
  put("b", 2);
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1"));
  EXPECT_THAT(of("b").listens_at, ElementsAre("10.0.0.2"));
  EXPECT_THAT(of("b").unusable, IsEmpty());
  EXPECT_THAT(of("b").missing, IsEmpty());
}

TEST_F(AddressBookTest, AGatewayThatAsksForTheSameKeepsWhatItHas) {
  put("a", 1);
  EXPECT_THAT(book.settle(), ElementsAre(model::ObjectName{"ns", "a"}));
  put("a", 1);
  put("b", 0);
  EXPECT_THAT(book.settle(), ElementsAre(model::ObjectName{"ns", "b"}));
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, ARecordIsGoneOnFromWhoeverComesFirst) {
  adopt("a", {"10.0.0.2"});
  adopt("b", {"10.0.0.1"});
  put("new", 0);
  put("a", 1);
  put("b", 2);
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.2"));
  EXPECT_THAT(of("b").listens_at, ElementsAre("10.0.0.1"));
  EXPECT_THAT(of("new").listens_at, ElementsAre("10.0.0.3"));
}

TEST_F(AddressBookTest, ARecordOfAnotherPoolIsForgotten) {
  adopt("a", {"192.0.2.1", "10.0.0.0", "nonsense", "fd00::1"});
  put("a", 1);
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, ARecordThatTwoHaveIsTheOlderOnes) {
  adopt("young", {"10.0.0.4"});
  adopt("old", {"10.0.0.4"});
  put("young", 2);
  put("old", 1);
  EXPECT_THAT(of("old").listens_at, ElementsAre("10.0.0.4"));
  EXPECT_THAT(of("young").listens_at, ElementsAre("10.0.0.5"));
}

TEST_F(AddressBookTest, AFreedAddressRestsAsLongAsThereAreOthers) {
  put("a", 1);
  book.settle();
  remove("a");
  for (int i = 0; i < 5; ++i)
    put("b" + std::to_string(i), i);
  EXPECT_THAT(of("b0").listens_at, ElementsAre("10.0.0.2"));
  put("c", 9);
  EXPECT_THAT(of("c").listens_at, ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, WhoFindsThePoolEmptyIsNextWhenAnAddressIsFreed) {
  book = book_of({"10.0.0.0/31"});
  put("a", 1);
  put("b", 2);
  put("c", 3);
  EXPECT_THAT(of("c").listens_at, IsEmpty());
  EXPECT_THAT(of("c").missing, ElementsAre("no IPv4 address is left in the pool 10.0.0.0/31"));
  remove("a");
  EXPECT_THAT(book.settle(), ElementsAre(model::ObjectName{"ns", "c"}));
  EXPECT_THAT(of("c").listens_at, ElementsAre("10.0.0.0"));
  EXPECT_THAT(of("c").missing, IsEmpty());
}

TEST_F(AddressBookTest, AValueOutsideThePoolIsNotUsable) {
  put("a", 1, {"192.0.2.1", "fd00::1", "10.0.0.5"});
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.5"));
  EXPECT_THAT(of("a").unusable, ElementsAre("192.0.2.1 is not in the pool 10.0.0.0/29",
                                            "fd00::1: there is no pool of IPv6 addresses"));
}

TEST_F(AddressBookTest, AValueBelongsToTheOlderOfTwoThatAskForIt) {
  put("young", 2, {"10.0.0.5"});
  put("old", 1, {"10.0.0.5"});
  EXPECT_THAT(of("old").listens_at, ElementsAre("10.0.0.5"));
  EXPECT_THAT(of("young").unusable,
              ElementsAre("10.0.0.5 belongs to Gateway ns/old, which is older"));
  remove("old");
  EXPECT_THAT(of("young").listens_at, ElementsAre("10.0.0.5"));
  EXPECT_THAT(of("young").unusable, IsEmpty());
}

TEST_F(AddressBookTest, WhatThePoolGaveToAnOlderGatewayStays) {
  put("old", 1);
  EXPECT_THAT(of("old").listens_at, ElementsAre("10.0.0.1"));
  put("young", 2, {"10.0.0.1"});
  EXPECT_THAT(of("young").unusable,
              ElementsAre("10.0.0.1 belongs to Gateway ns/old, which is older"));
  EXPECT_THAT(of("old").listens_at, ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, WhatThePoolGaveToAYoungerGatewayGoesToWhoAsksForIt) {
  put("young", 2);
  EXPECT_THAT(of("young").listens_at, ElementsAre("10.0.0.1"));
  put("old", 1, {"10.0.0.1"});
  EXPECT_THAT(of("old").listens_at, ElementsAre("10.0.0.1"));
  EXPECT_THAT(of("young").listens_at, ElementsAre("10.0.0.2"));
}

TEST_F(AddressBookTest, NobodyIsGivenWhatSomebodyAsksFor) {
  put("asks", 9, {"10.0.0.1"});
  put("takes", 1);
  EXPECT_THAT(of("takes").listens_at, ElementsAre("10.0.0.2"));
}

TEST_F(AddressBookTest, AnAddressWithoutAValueStaysWhenOthersAreAddedAndTakenAway) {
  put("a", 1);
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1"));
  put("a", 1, {"10.0.0.6", ""});
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.6", "10.0.0.1"));
  put("a", 1, {""});
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, TwoAddressesWithoutAValueAreTwo) {
  put("a", 1, {"", ""});
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(AddressBookTest, PoolsOfBothFamiliesGiveOneOfEach) {
  book = book_of({"fd00::/64", "10.0.0.0/30"});
  put("both", 1);
  put("one", 2, {""});
  EXPECT_THAT(of("both").listens_at, ElementsAre("fd00::1", "10.0.0.1"));
  EXPECT_THAT(of("one").listens_at, ElementsAre("fd00::2"));
  put("b", 3);
  put("c", 4);
  EXPECT_THAT(of("c").listens_at, ElementsAre("fd00::4"));
  EXPECT_THAT(of("c").missing, ElementsAre("no IPv4 address is left in the pool 10.0.0.0/30"));
}

TEST_F(AddressBookTest, WhatIsShownHasTheRoutabilityThatWasAskedFor) {
  model::Gateway gateway;
  gateway.meta.name = {"ns", "a"};
  gateway.addresses = {{"IPAddress", "", "testing.x-k8s.io/sentinel"},
                       {"IPAddress", "10.0.0.5", ""},
                       {"IPAddress", "10.0.0.6", "example.com/unknown"},
                       {"IPAddress", "", "Cluster"}};
  book.put(gateway);
  EXPECT_THAT(of("a").addresses,
              ElementsAre(AddressFinding{"10.0.0.1", "testing.x-k8s.io/sentinel"},
                          AddressFinding{"10.0.0.5", ""}));
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.1", "10.0.0.5"));
}

TEST_F(AddressBookTest, ClusterIpsAloneLeadToAnAddressThatIsNotShown) {
  adopt("a", {"10.96.0.1", "10.0.0.3"});
  model::Gateway gateway;
  gateway.meta.name = {"ns", "a"};
  gateway.addresses = {{"IPAddress", "", "Cluster"}, {"IPAddress", "10.96.0.9", "Cluster"}};
  book.put(gateway);
  EXPECT_THAT(of("a").addresses, IsEmpty());
  EXPECT_THAT(of("a").listens_at, ElementsAre("10.0.0.3"));
}

TEST_F(AddressBookTest, AnAddressOfAnotherTypeGetsNothing) {
  put("a", 1, {"10.0.0.5"});
  book.settle();
  model::Gateway gateway;
  gateway.meta.name = {"ns", "a"};
  gateway.addresses = {{"Hostname", "example.com", ""}, {"IPAddress", "10.0.0.5", ""}};
  book.put(gateway);
  EXPECT_THAT(of("a").listens_at, IsEmpty());
  put("b", 2, {"10.0.0.5"});
  EXPECT_THAT(of("b").listens_at, ElementsAre("10.0.0.5"));
}

}  // namespace
}  // namespace sluice::resolve
