#include "ngx_module/core/client_hello.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::core {
namespace {

using enum ClientHello::Status;

std::string number(std::size_t value, int bytes) {
  std::string digits;
  for (int i = bytes - 1; i >= 0; --i)
    digits += static_cast<char>(value >> (8 * i) & 0xff);
  return digits;
}

std::string vector(const std::string& bytes, int length_bytes) {
  return number(bytes.size(), length_bytes) + bytes;
}

std::string extension(std::size_t type, const std::string& body) {
  return number(type, 2) + vector(body, 2);
}

std::string server_name_extension(const std::string& name) {
  return extension(0, vector('\0' + vector(name, 2), 2));
}

std::string body(const std::string& extensions) {
  return "\x03\x03" + std::string(32, 'r') + vector(std::string(32, 's'), 1) +
         vector(std::string(6, 'c'), 2) + vector(std::string(1, '\0'), 1) + vector(extensions, 2);
}

std::string message(const std::string& content) {
  return '\x01' + vector(content, 3);
}

std::string record(const std::string& part) {
  return "\x16\x03\x01" + vector(part, 2);
}

// Of a client like those of today: a value of GREASE first, the name somewhere, a large key share.
std::string hello_of(const std::string& name) {
  return message(body(extension(0x1a1a, "") + extension(51, std::string(1200, 'k')) +
                      server_name_extension(name) + extension(0xfafa, std::string(1, '\0'))));
}

struct Read {
  ClientHello::Status status;
  std::string name;
};

Read read(const std::string& first) {
  std::array<char, http::kMaxHostBytes> buffer;
  const ClientHello hello = read_client_hello(first, buffer);
  return {hello.status, std::string(hello.server_name)};
}

TEST(ClientHelloTest, TheServerNameIsFoundInLowerCase) {
  const Read found = read(record(hello_of("Shop.Example.COM")));
  EXPECT_EQ(found.status, kWhole);
  EXPECT_EQ(found.name, "shop.example.com");
}

TEST(ClientHelloTest, EachShorterBeginningIsUndecided) {
  const std::string whole = record(hello_of("a.example.com"));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(read(whole.substr(0, bytes)).status, kUndecided) << bytes;
  }
}

TEST(ClientHelloTest, AMessageMayLieInManyRecords) {
  const std::string hello = hello_of("a.example.com");
  for (const std::size_t part : {1U, 3U, 4U, 500U}) {
    std::string records;
    for (std::size_t at = 0; at < hello.size(); at += part)
      records += record(hello.substr(at, part));
    EXPECT_EQ(read(records).status, kWhole) << part;
    EXPECT_EQ(read(records).name, "a.example.com") << part;
    EXPECT_EQ(read(records.substr(0, records.size() - 1)).status, kUndecided) << part;
  }
}

TEST(ClientHelloTest, WhatFollowsTheMessageIsNotLookedAt) {
  const std::string hello = hello_of("a.example.com");
  EXPECT_EQ(read(record(hello) + "\x17\x03\x03"
                                 "early")
                .name,
            "a.example.com");
  EXPECT_EQ(read(record(hello + "another message")).name, "a.example.com");
}

TEST(ClientHelloTest, WithoutANameAndWithoutExtensionsItIsWhole) {
  EXPECT_EQ(read(record(message(body(extension(10, "xx"))))).status, kWhole);
  EXPECT_EQ(read(record(message(body("")))).status, kWhole);
  const std::string old = "\x03\x01" + std::string(32, 'r') + vector("", 1) +
                          vector(std::string(2, 'c'), 2) + vector(std::string(1, '\0'), 1);
  EXPECT_EQ(read(record(message(old))).status, kWhole);
  EXPECT_EQ(read(record(message(old))).name, "");
}

TEST(ClientHelloTest, WhatIsNoTlsIsMalformedAtOnce) {
  for (const std::string& first : std::vector<std::string>{
           "GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", std::string("\x80\x2e\x01\x03\x01", 5),
           "\x15\x03\x01", "\x16\x02", std::string("\x16\x03\x01\x00\x00", 5)}) {
    EXPECT_EQ(read(first).status, kMalformed) << first;
  }
}

TEST(ClientHelloTest, AnotherMessageThanAClientHelloIsMalformed) {
  EXPECT_EQ(read(record("\x02")).status, kMalformed);
}

TEST(ClientHelloTest, ARecordThatIsTooLongIsMalformed) {
  EXPECT_EQ(read("\x16\x03\x01" + number(16385, 2)).status, kMalformed);
}

TEST(ClientHelloTest, AMessageLongerThanTheLimitIsMalformed) {
  EXPECT_EQ(read(record('\x01' + number(kMaxClientHello, 3))).status, kMalformed);
  const std::string longest =
      record('\x01' + number(kMaxClientHello - 4, 3) + std::string(9000, 'x'));
  EXPECT_EQ(read(longest).status, kUndecided);
  const std::string full = longest + record(std::string(kMaxClientHello, 'x'));
  EXPECT_EQ(read(full.substr(0, kMaxClientHello)).status, kMalformed);
}

TEST(ClientHelloTest, FieldsThatDoNotFitAreMalformed) {
  const std::string content = body(server_name_extension("a.example.com"));
  for (std::size_t bytes = 0; bytes < content.size(); ++bytes) {
    const Read found = read(record(message(content.substr(0, bytes))));
    const bool ends_before_extensions = bytes == 2 + 32 + 33 + 8 + 2;
    EXPECT_EQ(found.status, ends_before_extensions ? kWhole : kMalformed) << bytes;
  }
  EXPECT_EQ(read(record(message(content + "x"))).status, kMalformed);
  EXPECT_EQ(read(record(message(body(extension(1, "x") + "x")))).status, kMalformed);
}

TEST(ClientHelloTest, TwoServerNamesAreMalformed) {
  const std::string both = server_name_extension("a.org") + server_name_extension("b.org");
  EXPECT_EQ(read(record(message(body(both)))).status, kMalformed);
}

TEST(ClientHelloTest, ANameThatNoHostnameCoversIsNone) {
  EXPECT_EQ(read(record(hello_of("a b"))).status, kWhole);
  EXPECT_EQ(read(record(hello_of("a b"))).name, "");
}

}  // namespace
}  // namespace sluice::core
