#include "controller/keeper/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shared/base/same_socket.h"

namespace sluice::keeper {
namespace {

using resolve::Socket;
using resolve::Transport;

TEST(ListenTest, AWireNameReadsBackAsTheSameSocket) {
  for (const Port& port : {Port{{"0.0.0.0", 80}}, Port{{"127.0.0.1", 65535}}, Port{{"::", 8080}},
                           Port{{"2001:db8::1", 1}}, Port{{"0.0.0.0", 53, Transport::kUdp}},
                           Port{{"::", 5300, Transport::kUdp}, 3}}) {
    EXPECT_EQ(parse_wire_name(wire_name(port)), port) << wire_name(port);
  }
  EXPECT_EQ(wire_name({{"::", 80}}), "tcp/[::]:80");
  EXPECT_EQ(wire_name({{"::", 5300, Transport::kUdp}, 3}), "udp/[::]:5300/3");
}

TEST(ListenTest, AWireNameIsCanonical) {
  EXPECT_EQ(parse_wire_name("tcp/[0:0:0:0:0:0:0:1]:80"), (Port{{"::1", 80}}));
}

TEST(ListenTest, MalformedWireNamesAreRefused) {
  for (const char* text :
       {"", "tcp/", "tcp/1.2.3.4", "tcp/1.2.3.4:", "tcp/1.2.3.4:0", "tcp/1.2.3.4:70000",
        "tcp/1.2.3.4:80x", "tcp/1.2.3.4:80/1", "udp/1.2.3.4:80", "udp/1.2.3.4:80/",
        "udp/1.2.3.4:80/x", "sctp/1.2.3.4:80", "tcp/::1:80", "tcp/[1.2.3.4]:80", "tcp/host:80"}) {
    EXPECT_EQ(parse_wire_name(text), std::nullopt) << text;
  }
}

TEST(ListenTest, AnOpenedSocketIsFoundInListenState) {
  Result<UniqueFd> fd = open_listening({"127.0.0.1", 0});
  ASSERT_TRUE(fd);
  const std::optional<Socket> address = listening_address(fd->get());
  ASSERT_TRUE(address);
  EXPECT_EQ(address->address, "127.0.0.1");
  EXPECT_EQ(listening_sockets(Transport::kTcp)[*address], 1U);
  fd->reset();
  EXPECT_FALSE(listening_sockets(Transport::kTcp).contains(*address));
}

TEST(ListenTest, UdpSocketsOfOneAddressAreCountedApartFromTcp) {
  Result<UniqueFd> first = open_listening({"127.0.0.1", 0, Transport::kUdp});
  ASSERT_TRUE(first) << first.error().message;
  const std::optional<Socket> address = listening_address(first->get());
  ASSERT_TRUE(address);
  EXPECT_EQ(address->transport, Transport::kUdp);
  Result<UniqueFd> second = open_listening(*address);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(listening_sockets(Transport::kUdp)[*address], 2U);
  EXPECT_FALSE(listening_sockets(Transport::kTcp).contains({"127.0.0.1", address->port}));
  EXPECT_TRUE(open_listening({"127.0.0.1", address->port})) << "of TCP it is free";
}

TEST(ListenTest, WildcardAndSpecificAddressesCoexist) {
  Result<UniqueFd> specific = open_listening({"127.0.0.1", 0});
  ASSERT_TRUE(specific);
  const std::uint16_t port = listening_address(specific->get())->port;
  Result<UniqueFd> wildcard = open_listening({"0.0.0.0", port});
  ASSERT_TRUE(wildcard) << wildcard.error().message;
  EXPECT_FALSE(same_socket(specific->get(), wildcard->get()));
  EXPECT_TRUE(same_socket(specific->get(), specific->get()));
}

TEST(ListenTest, Ipv6SocketsAreFoundAndLeaveIpv4Alone) {
  UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) GTEST_SKIP() << "no IPv6 here";
  Result<UniqueFd> v6 = open_listening({"::", 0});
  ASSERT_TRUE(v6) << v6.error().message;
  const std::uint16_t port = listening_address(v6->get())->port;
  EXPECT_TRUE(listening_sockets(Transport::kTcp).contains({"::", port}));
  EXPECT_FALSE(listening_sockets(Transport::kTcp).contains({"0.0.0.0", port}));
  EXPECT_TRUE(open_listening({"0.0.0.0", port}));
}

TEST(ListenTest, AnAddressOfAnotherMachineFailsWithItsMeaning) {
  const Result<UniqueFd> fd = open_listening({"192.0.2.1", 8080});
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().message, "this machine has no address 192.0.2.1");
}

TEST(ListenTest, AnAddressThatMayBeRoutedHereIsListenedOn) {
  const Result<UniqueFd> fd = open_listening({"192.0.2.1", 0}, Binding::kAnyAddress);
  ASSERT_TRUE(fd) << fd.error().message;
  EXPECT_EQ(listening_address(fd->get())->address, "192.0.2.1");
  UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return;
  const Result<UniqueFd> v6 = open_listening({"2001:db8::1", 0}, Binding::kAnyAddress);
  EXPECT_TRUE(v6) << v6.error().message;
}

TEST(ListenTest, APortThatAStrangerHoldsAloneFailsWithItsMeaning) {
  UniqueFd stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(stranger);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(stranger.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(stranger.get(), 1), 0);
  const Result<UniqueFd> fd = open_listening(*listening_address(stranger.get()));
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().message, "address already in use by another program or user");
}

TEST(ListenTest, OnlyUdpAndListeningTcpSocketsHaveAListeningAddress) {
  UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(listening_address(file.get()), std::nullopt);
  UniqueFd unconnected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(listening_address(unconnected.get()), std::nullopt);
}

TEST(ListenTest, AWildcardCoversItsOwnFamilyAndPortOnly) {
  EXPECT_TRUE(covers({"0.0.0.0", 80}, {"10.0.0.1", 80}));
  EXPECT_TRUE(covers({"::", 80}, {"::1", 80}));
  EXPECT_TRUE(covers({"10.0.0.1", 80}, {"10.0.0.1", 80}));
  EXPECT_FALSE(covers({"0.0.0.0", 80}, {"10.0.0.1", 81}));
  EXPECT_FALSE(covers({"0.0.0.0", 80}, {"::", 80}));
  EXPECT_FALSE(covers({"::", 80}, {"10.0.0.1", 80}));
  EXPECT_FALSE(covers({"0.0.0.0", 80}, {"10.0.0.1", 80, Transport::kUdp}));
  EXPECT_FALSE(covers({"10.0.0.1", 80}, {"0.0.0.0", 80}));
}

}  // namespace
}  // namespace sluice::keeper
