#include "shared/http/mirror_head.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

std::string written(std::string_view head, std::uint64_t body_bytes) {
  std::string buffer(mirror_head_bytes(head), '\0');
  const auto result = write_mirror_head(head, body_bytes, buffer);
  return result ? std::string(*result) : "(none)";
}

TEST(MirrorHeadTest, TheConnectionEndsWithTheAnswer) {
  EXPECT_EQ(
      written("GET /a?b HTTP/1.1\r\nHost: x\r\nUpgrade: foo\r\nConnection: upgrade\r\nA: b\r\n\r\n",
              0),
      "GET /a?b HTTP/1.1\r\nHost: x\r\nA: b\r\nConnection: close\r\n\r\n");
}

TEST(MirrorHeadTest, AChunkedBodyHasALengthNow) {
  EXPECT_EQ(written("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n", 17),
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\nConnection: close\r\n\r\n");
}

TEST(MirrorHeadTest, AnEmptyBodyStaysOne) {
  EXPECT_EQ(written("POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 0),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(MirrorHeadTest, WhatFollowsTheHeadIsNotPartOfIt) {
  EXPECT_EQ(written("GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", 0),
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
}

TEST(MirrorHeadTest, WhatIsNoHttp11HeadGivesNothing) {
  EXPECT_EQ(written("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0), "(none)");
  EXPECT_EQ(written("GET / HTTP/1.1\r\nHost: x\r\n", 0), "(none)");
  EXPECT_EQ(written("GET / HTTP/1.1", 0), "(none)");
  EXPECT_EQ(written("GET / HTTP/1.1\r\nContent-Length\r\n\r\n", 1), "(none)");
  EXPECT_EQ(written("", 0), "(none)");
}

TEST(MirrorHeadTest, TheLargestLengthFitsTheBound) {
  EXPECT_EQ(written("P / HTTP/1.1\r\n\r\n", ~std::uint64_t{0}),
            "P / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace sluice::http
