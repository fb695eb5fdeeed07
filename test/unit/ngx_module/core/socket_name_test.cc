#include "ngx_module/core/socket_name.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>

namespace sluice::core {
namespace {

std::string name_of(int family, const char* text, std::uint16_t port) {
  sockaddr_storage address{};
  if (family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(address);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET, text, &in.sin_addr), 1);
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
  }
  const auto key = socket_key(reinterpret_cast<const sockaddr*>(&address));
  EXPECT_TRUE(key.has_value());
  return std::string(socket_name(*key).text());
}

TEST(SocketNameTest, Ipv4) {
  EXPECT_EQ(name_of(AF_INET, "127.0.0.1", 80), "tcp/127.0.0.1:80");
}

TEST(SocketNameTest, Ipv6StandsInBrackets) {
  EXPECT_EQ(name_of(AF_INET6, "::", 65535), "tcp/[::]:65535");
  EXPECT_EQ(name_of(AF_INET6, "2001:db8::1", 443), "tcp/[2001:db8::1]:443");
}

TEST(SocketNameTest, Ipv4ThroughAnIpv6SocketIsIpv4) {
  EXPECT_EQ(name_of(AF_INET6, "::ffff:10.1.2.3", 8080), "tcp/10.1.2.3:8080");
}

TEST(SocketNameTest, AUnixSocketHasNoKey) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_FALSE(socket_key(reinterpret_cast<const sockaddr*>(&address)).has_value());
}

TEST(SocketNameTest, TheKeyLeadsBackToTheAddress) {
  table::SocketKey key;
  key.family = table::Family::kIpv6;
  key.port = 8443;
  key.address[15] = 1;
  sockaddr_storage address;
  EXPECT_EQ(to_sockaddr(key, address), sizeof(sockaddr_in6));
  EXPECT_EQ(socket_key(reinterpret_cast<const sockaddr*>(&address)), key);
}

}  // namespace
}  // namespace sluice::core
