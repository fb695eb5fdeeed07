#include "controller/resolve/conflicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::resolve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ListenerPlan listener(std::string name, ProtocolFamily family, std::string hostname,
                      std::string address = "0.0.0.0") {
  ListenerPlan plan;
  plan.key.listener = std::move(name);
  plan.family = family;
  plan.hostname = std::move(hostname);
  plan.port = 80;
  const bool udp = family == ProtocolFamily::kUdp;
  plan.sockets = {{std::move(address), 80, udp ? Transport::kUdp : Transport::kTcp}};
  return plan;
}

ListenerPlan http(std::string name, std::string hostname = "") {
  return listener(std::move(name), ProtocolFamily::kHttp, std::move(hostname));
}

GatewayPlan gateway(std::vector<ListenerPlan> listeners, std::int64_t created = 0) {
  GatewayPlan plan;
  plan.created = created;
  plan.listeners = std::move(listeners);
  return plan;
}

// `set`: of the ListenerSet that has the listener.
std::string lost(const PortBook& book, const std::string& name, const std::string& listener_name,
                 const std::string& set = "") {
  const auto settled = book.settle(80);
  const auto losses = settled.find({"ns", name});
  if (losses == settled.end()) return "nothing claimed";
  ListenerKey key{{}, listener_name};
  if (!set.empty()) key.set = {"ns", set};
  const auto loss = losses->second.find(key);
  return loss == losses->second.end() ? "" : loss->second.reason;
}

TEST(ConflictsTest, EveryMemberOfAConflictInsideAGatewayIsRejected) {
  GatewayPlan plan = gateway({http("a", "x.org"), listener("b", ProtocolFamily::kTcp, ""),
                              listener("c", ProtocolFamily::kTls, "y.org")});
  reject_conflicts_inside(plan);
  for (const ListenerPlan& member : plan.listeners) {
    ASSERT_TRUE(member.conflict) << member.key.listener;
    EXPECT_EQ(member.conflict->reason, "ProtocolConflict");
  }
}

TEST(ConflictsTest, ListenersOfUnknownProtocolsConflictWithNobody) {
  GatewayPlan plan = gateway({http("a"), listener("b", ProtocolFamily::kUnknown, "")});
  reject_conflicts_inside(plan);
  EXPECT_FALSE(plan.listeners[0].conflict);
  EXPECT_FALSE(plan.listeners[1].conflict);
}

TEST(ConflictsTest, TheOlderGatewayKeepsWhatBothClaim) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l")}, 2));
  book.put({"ns", "b"}, gateway({http("l")}, 1));
  EXPECT_EQ(lost(book, "a", "l"), "HostnameConflict");
  EXPECT_EQ(lost(book, "b", "l"), "");
}

TEST(ConflictsTest, WhatTheWinnerGivesUpTheNextOneGets) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l")}));
  book.put({"ns", "b"}, gateway({http("l")}));
  EXPECT_EQ(lost(book, "b", "l"), "HostnameConflict");
  EXPECT_THAT(book.remove({"ns", "a"}), ElementsAre(80));
  EXPECT_EQ(lost(book, "b", "l"), "");
  EXPECT_EQ(lost(book, "a", "l"), "nothing claimed");
}

TEST(ConflictsTest, OnlyTheListenerThatConflictsIsLost) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l", "x.org")}));
  book.put({"ns", "b"}, gateway({http("one", "x.org"), http("two", "y.org")}));
  EXPECT_EQ(lost(book, "b", "one"), "HostnameConflict");
  EXPECT_EQ(lost(book, "b", "two"), "");
}

ListenerPlan of_set(const std::string& set, ListenerPlan plan) {
  plan.key.set = {"ns", set};
  return plan;
}

TEST(ConflictsTest, AGatewayComesBeforeItsListenerSetsAndTheseInTheirOrder) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l", "x.org"), of_set("b", http("l", "x.org")),
                                 of_set("b", http("m", "y.org")), of_set("a", http("l", "y.org")),
                                 of_set("a", http("m", "z.org"))}));
  EXPECT_EQ(lost(book, "a", "l"), "");
  EXPECT_EQ(lost(book, "a", "l", "b"), "HostnameConflict");
  EXPECT_EQ(lost(book, "a", "m", "b"), "");
  EXPECT_EQ(lost(book, "a", "l", "a"), "HostnameConflict");
  EXPECT_EQ(lost(book, "a", "m", "a"), "");
}

TEST(ConflictsTest, WhatTheGatewayRejectsRejectsNothingInItsListenerSet) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l", "x.org"), of_set("s", http("m", "y.org")),
                                 of_set("s", listener("tcp", ProtocolFamily::kTcp, "")),
                                 of_set("s", http("n", "z.org"))}));
  EXPECT_EQ(lost(book, "a", "m", "s"), "");
  EXPECT_EQ(lost(book, "a", "tcp", "s"), "ProtocolConflict");
  EXPECT_EQ(lost(book, "a", "n", "s"), "");
}

TEST(ConflictsTest, EveryMemberOfAConflictInsideAListenerSetIsRejectedAndHoldsNothing) {
  PortBook book;
  book.put({"ns", "a"}, gateway({of_set("s", http("m", "y.org")),
                                 of_set("s", listener("tcp", ProtocolFamily::kTcp, "")),
                                 of_set("t", listener("tls", ProtocolFamily::kTls, "z.org"))}));
  EXPECT_EQ(lost(book, "a", "m", "s"), "ProtocolConflict");
  EXPECT_EQ(lost(book, "a", "tcp", "s"), "ProtocolConflict");
  EXPECT_EQ(lost(book, "a", "tls", "t"), "");
}

TEST(ConflictsTest, AGatewayWithoutAddressesSettlesItsListenerSetsAllTheSame) {
  PortBook book;
  GatewayPlan plan = gateway({http("l", "x.org"), of_set("s", http("l", "x.org"))});
  for (ListenerPlan& each : plan.listeners) {
    each.key.gateway = {"ns", "a"};
    each.sockets.clear();
  }
  book.put({"ns", "a"}, plan);
  book.put({"ns", "b"}, gateway({http("l", "x.org")}));
  EXPECT_EQ(book.settle(80).at({"ns", "a"}).begin()->second.reason, "HostnameConflict");
  EXPECT_EQ(book.settle(80).at({"ns", "a"}).size(), 1U);
  EXPECT_EQ(lost(book, "b", "l"), "");
}

TEST(ConflictsTest, ProtocolsShareASocketOnlyWithinTheirFamily) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("l", "x.org")}));
  book.put({"ns", "b"}, gateway({listener("l", ProtocolFamily::kTls, "y.org")}));
  book.put({"ns", "c"}, gateway({listener("l", ProtocolFamily::kUdp, "")}));
  EXPECT_EQ(lost(book, "b", "l"), "ProtocolConflict");
  EXPECT_EQ(lost(book, "c", "l"), "");
}

TEST(ConflictsTest, TwoStreamsOnOneSocketConflictByProtocol) {
  PortBook book;
  book.put({"ns", "a"}, gateway({listener("l", ProtocolFamily::kTcp, "")}));
  book.put({"ns", "b"}, gateway({listener("l", ProtocolFamily::kTcp, "")}));
  EXPECT_EQ(lost(book, "b", "l"), "ProtocolConflict");
}

TEST(ConflictsTest, UdpSocketsConflictWithEachOtherOnly) {
  PortBook book;
  book.put({"ns", "a"}, gateway({listener("tcp", ProtocolFamily::kTcp, ""),
                                 listener("udp", ProtocolFamily::kUdp, "")}));
  book.put({"ns", "b"}, gateway({listener("udp", ProtocolFamily::kUdp, "")}));
  EXPECT_EQ(lost(book, "a", "tcp"), "");
  EXPECT_EQ(lost(book, "a", "udp"), "");
  EXPECT_EQ(lost(book, "b", "udp"), "ProtocolConflict");
}

TEST(ConflictsTest, OtherAddressesAreOtherSockets) {
  PortBook book;
  book.put({"ns", "a"}, gateway({listener("l", ProtocolFamily::kHttp, "", "10.0.0.1")}));
  book.put({"ns", "b"}, gateway({listener("l", ProtocolFamily::kHttp, "", "10.0.0.2")}));
  EXPECT_EQ(lost(book, "b", "l"), "");
}

TEST(ConflictsTest, ARefusedGatewayClaimsNothing) {
  PortBook book;
  GatewayPlan refused = gateway({http("l")});
  refused.refusal = {"InvalidParameters", "why"};
  EXPECT_THAT(book.put({"ns", "a"}, refused), IsEmpty());
  book.put({"ns", "b"}, gateway({http("l")}));
  EXPECT_THAT(book.settle(80), ElementsAre(Pair(model::ObjectName{"ns", "b"}, IsEmpty())));
}

TEST(ConflictsTest, TheSameClaimsAgainTouchNoPort) {
  PortBook book;
  EXPECT_THAT(book.put({"ns", "a"}, gateway({http("l")})), ElementsAre(80));
  EXPECT_THAT(book.put({"ns", "a"}, gateway({http("l")})), IsEmpty());
  EXPECT_THAT(book.put({"ns", "a"}, gateway({http("l")}, 5)), ElementsAre(80)) << "another age";
}

TEST(ConflictsTest, ASocketHasThePROXYProtocolOrHasItNot) {
  PortBook book;
  book.put({"ns", "a"}, gateway({http("first", "x.org")}, 1));
  ListenerPlan with_header = http("second", "y.org");
  with_header.proxy_protocol = true;
  ListenerPlan elsewhere = listener("third", ProtocolFamily::kHttp, "z.org", "10.0.0.1");
  elsewhere.proxy_protocol = true;
  book.put({"ns", "b"}, gateway({with_header, elsewhere}, 2));
  EXPECT_EQ(lost(book, "a", "first"), "");
  EXPECT_EQ(lost(book, "b", "second"), "ProtocolConflict");
  EXPECT_EQ(lost(book, "b", "third"), "");
  with_header.proxy_protocol = false;
  EXPECT_THAT(book.put({"ns", "b"}, gateway({with_header, elsewhere}, 2)), ElementsAre(80));
  EXPECT_EQ(lost(book, "b", "second"), "");
}

}  // namespace
}  // namespace sluice::resolve
