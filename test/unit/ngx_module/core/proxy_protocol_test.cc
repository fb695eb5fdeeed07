#include "ngx_module/core/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

#include "ngx_module/core/socket_name.h"

namespace sluice::core {
namespace {

using Status = ProxyHeader::Status;

std::string client_of(std::string_view bytes) {
  const ProxyHeader header = read_proxy_header(bytes);
  if (header.status != Status::kWhole) return "(no header)";
  if (!header.client) return "(not told)";
  return std::string(socket_name(*header.client).text());
}

std::string binary(char command, char family, const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += command;
  bytes += family;
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xff);
  return bytes + rest;
}

const std::string kIpv4Pair("\xc0\x00\x02\x01\x0a\x00\x00\x01\x10\x00\x01\xbb", 12);
const std::string kIpv6Pair = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" +
                              std::string(16, '\0') + std::string("\x10\x00\x01\xbb", 4);

TEST(ProxyProtocolTest, Version1TellsTheClient) {
  EXPECT_EQ(client_of("PROXY TCP4 192.0.2.1 10.0.0.1 4096 443\r\n"), "tcp/192.0.2.1:4096");
  EXPECT_EQ(client_of("PROXY TCP6 2001:db8::1 ::1 4096 443\r\n"), "tcp/[2001:db8::1]:4096");
  EXPECT_EQ(client_of("PROXY UNKNOWN\r\n"), "(not told)");
  EXPECT_EQ(client_of("PROXY UNKNOWN ff:: ff:: 1 2\r\n"), "(not told)");
}

TEST(ProxyProtocolTest, Version2TellsTheClient) {
  EXPECT_EQ(client_of(binary(0x21, 0x11, kIpv4Pair)), "tcp/192.0.2.1:4096");
  EXPECT_EQ(client_of(binary(0x21, 0x21, kIpv6Pair)), "tcp/[2001:db8::1]:4096");
  EXPECT_EQ(client_of(binary(0x21, 0x11, kIpv4Pair + "\x04\x01tlv")), "tcp/192.0.2.1:4096");
}

TEST(ProxyProtocolTest, TheProxysOwnConnectionsAndOtherFamiliesTellNobody) {
  EXPECT_EQ(client_of(binary(0x20, 0x11, kIpv4Pair)), "(not told)");
  EXPECT_EQ(client_of(binary(0x20, 0x00, "")), "(not told)");
  EXPECT_EQ(client_of(binary(0x21, 0x00, "")), "(not told)");
  EXPECT_EQ(client_of(binary(0x21, 0x31, std::string(216, 'x'))), "(not told)");
}

TEST(ProxyProtocolTest, AMappedAddressIsTheIpv4One) {
  EXPECT_EQ(client_of("PROXY TCP6 ::ffff:192.0.2.1 ::1 4096 443\r\n"), "tcp/192.0.2.1:4096");
}

TEST(ProxyProtocolTest, EachShorterBeginningIsUndecided) {
  for (const std::string& whole :
       {std::string("PROXY TCP4 192.0.2.1 10.0.0.1 4096 443\r\n"), std::string("PROXY UNKNOWN\r\n"),
        binary(0x21, 0x11, kIpv4Pair), binary(0x21, 0x21, kIpv6Pair), binary(0x20, 0, "")}) {
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      EXPECT_EQ(read_proxy_header(whole.substr(0, bytes)).status, Status::kUndecided) << bytes;
    }
    EXPECT_EQ(read_proxy_header(whole).bytes, whole.size());
  }
}

TEST(ProxyProtocolTest, WhatComesBehindIsTheClients) {
  const std::string header = "PROXY TCP4 192.0.2.1 10.0.0.1 4096 443\r\n";
  EXPECT_EQ(read_proxy_header(header + "GET / HTTP/1.1\r\n").bytes, header.size());
  const std::string other = binary(0x21, 0x11, kIpv4Pair);
  EXPECT_EQ(read_proxy_header(other + "\x16\x03\x01").bytes, other.size());
}

TEST(ProxyProtocolTest, AClientWithoutAHeaderIsMalformedWithItsFirstBytes) {
  for (const char* first : {"G", "GET / HTTP/1.1\r\n", "POST", "PRI * HTTP/2.0", "\x16\x03\x01",
                            "PROXY\tTCP4", "\r\n\r\nx", "proxy "}) {
    EXPECT_EQ(read_proxy_header(first).status, Status::kMalformed) << first;
  }
}

TEST(ProxyProtocolTest, LinesThatMakeNoSenseAreMalformed) {
  for (const char* line :
       {"PROXY TCP4 192.0.2.1 10.0.0.1 4096\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 4096 443 1\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 x 443\r\n",
        "PROXY TCP4 2001:db8::1 ::1 4096 443\r\n", "PROXY TCP6 192.0.2.1 10.0.0.1 4096 443\r\n",
        "PROXY UDP4 192.0.2.1 10.0.0.1 4096 443\r\n", "PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 example 4096 443\r\n", "PROXY \r\n", "PROXY UNKNOWNS\r\n"}) {
    EXPECT_EQ(read_proxy_header(line).status, Status::kMalformed) << line;
  }
  EXPECT_EQ(read_proxy_header("PROXY TCP4 " + std::string(96, '1')).status, Status::kMalformed);
}

TEST(ProxyProtocolTest, RecordsThatMakeNoSenseAreMalformed) {
  EXPECT_EQ(read_proxy_header(binary(0x11, 0x11, kIpv4Pair)).status, Status::kMalformed);
  EXPECT_EQ(read_proxy_header(binary(0x22, 0x11, kIpv4Pair)).status, Status::kMalformed);
  EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, kIpv4Pair.substr(1))).status, Status::kMalformed);
  EXPECT_EQ(read_proxy_header(binary(0x21, 0x21, kIpv4Pair)).status, Status::kMalformed);
  const std::string longest(kMaxProxyHeader - 16, 'x');
  EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, longest)).status, Status::kWhole);
  EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, longest + "x")).status, Status::kMalformed);
}

}  // namespace
}  // namespace sluice::core
