#include "ngx_module/core/head_translation.h"

#include <gtest/gtest.h>

#include <string>

#include "ngx_module/core/preface.h"

namespace sluice::core {
namespace {

using std::string_literals::operator""s;

std::string frame(std::uint8_t type, const std::string& payload, std::uint8_t flags = 0) {
  std::string head(kH2FrameHead, '\0');
  write_frame_head(head.data(), payload.size(), type, flags, 1);
  return head + payload;
}

// As nginx's grpc module begins one.
const std::string kConnection =
    std::string(kPreface) + frame(kH2Settings, "") + frame(kH2WindowUpdate, "\x7f\xff\0\0"s);

std::string http1(const std::string& http2) {
  std::string buffer(http1_head_room(http2.size()), '\0');
  const auto head = http1_head_of(http2, buffer);
  return head ? std::string(*head) : "(none)";
}

std::string http1_of_fields(const std::string& fields) {
  return http1(kConnection + frame(kH2Headers, fields));
}

std::string http2(std::string_view http1, bool https = false, bool ends_stream = true) {
  std::string buffer(http2_head_room(http1.size()), '\0');
  const auto head = http2_head_of(http1, {https, ends_stream}, buffer);
  return head ? std::string(*head) : "(none)";
}

// The frames without what begins the connection.
std::string frames(std::string_view http1) {
  const std::string head = http2(http1);
  return head == "(none)" ? head : head.substr(kPreface.size() + 34);
}

const std::string kRequest = "\x82\x86\x84";

TEST(HeadTranslationTest, AHeadOfHttp2IsWrittenOut) {
  EXPECT_EQ(http1_of_fields("\x83\x87\x44\4/a?b\x41\1h\0\3x-a\1b\0\2te\x8trailers\0\3x-c\0"s),
            "POST /a?b HTTP/1.1\r\nHost: h\r\nx-a: b\r\nte: trailers\r\nx-c: \r\n\r\n");
  EXPECT_EQ(http1_of_fields("\x42\3PUT\x86\x84"), "PUT / HTTP/1.1\r\n\r\n");
}

TEST(HeadTranslationTest, FieldsMayGoOnInOtherFrames) {
  const std::string fields = kRequest + "\0\3x-a\5value"s;
  for (std::size_t cut = 0; cut <= fields.size(); ++cut) {
    EXPECT_EQ(http1(kConnection + frame(kH2Headers, fields.substr(0, cut)) +
                    frame(kH2Continuation, fields.substr(cut), kH2EndHeaders)),
              "GET / HTTP/1.1\r\nx-a: value\r\n\r\n");
  }
}

TEST(HeadTranslationTest, TheAuthorityComesBeforeAHost) {
  EXPECT_EQ(http1_of_fields(kRequest + "\x41\1a\0\4host\1b"s), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(http1_of_fields(kRequest + "\0\4host\1b"s), "GET / HTTP/1.1\r\nhost: b\r\n\r\n");
}

TEST(HeadTranslationTest, WhatHttp1CantSayGivesNothing) {
  for (const std::string& fields :
       {""s, "\x82"s, "\x82\x84"s, "\x86\x82\x84"s,                         // not nginx's order
        "\x42\3P T\x86\x84"s, "\x42\0\x86\x84"s,                            // no method
        "\x82\x86\x44\4/a b"s, "\x82\x86\x44\1*"s, "\x82\x86\x44\3/\r\n"s,  // no path
        kRequest + "\0\3x:a\1b"s, kRequest + "\0\0\1b"s,                    // no name
        kRequest + "\0\3x-a\3b\r\n"s, kRequest + "\0\3x-a\1\0"s,            // no value
        kRequest + "\x86", kRequest + "\xbe"}) {
    EXPECT_EQ(http1_of_fields(fields), "(none)");
  }
}

TEST(HeadTranslationTest, WhatIsNoHeadOfHttp2GivesNothing) {
  const std::string fields = frame(kH2Headers, kRequest);
  const std::string whole = kConnection + fields;
  for (const std::string& head : {""s, kConnection, fields, whole + "frame", whole + fields,
                                  kConnection + frame(kH2Continuation, kRequest),
                                  kConnection + frame(kH2Headers, kRequest, kH2Padded),
                                  kConnection + frame(kH2Headers, kRequest, kH2Priority)}) {
    EXPECT_EQ(http1(head), "(none)");
  }
}

TEST(HeadTranslationTest, AHeadOfHttp1IsCoded) {
  EXPECT_EQ(frames("POST /a?b HTTP/1.1\r\nX-A: b\r\nHost: h\r\nContent-Length: 7\r\n\r\nmore"),
            frame(kH2Headers, "\2\4POST\x86\4\4/a?b\1\1h\0\3x-a\1b\0\x0e"s + "content-length\0017",
                  kH2EndHeaders | kH2EndStream));
  EXPECT_EQ(frames("GET / HTTP/1.1\r\nX-A:\t b c \r\n\r\n"),
            frame(kH2Headers, "\2\3GET\x86\4\1/\0\3x-a\3b c"s, kH2EndHeaders | kH2EndStream));
}

TEST(HeadTranslationTest, AConnectionBeginsWithItsSettings) {
  const std::string head = http2("GET / HTTP/1.1\r\n\r\n", true, false);
  EXPECT_EQ(head, std::string(kPreface) +
                      frame(kH2Settings, "\0\2\0\0\0\0\0\4\x7f\xff\xff\xff"s).replace(8, 1, 1, 0) +
                      frame(kH2WindowUpdate, "\x7f\xff\0\0"s).replace(8, 1, 1, 0) +
                      frame(kH2Headers, "\2\3GET\x87\4\1/", kH2EndHeaders));
}

TEST(HeadTranslationTest, FieldsOfAConnectionStayWithIt) {
  EXPECT_EQ(frames("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\nTE: x\r\n"
                   "Keep-Alive: 1\r\nUpgrade: u\r\nTransfer-Encoding: chunked\r\n\r\n"),
            frame(kH2Headers, "\2\3GET\x86\4\1/\1\1a", kH2EndHeaders | kH2EndStream));
}

std::string long_head(std::size_t bytes) {
  return "GET / HTTP/1.1\r\nhost: a\r\nx-long: " + std::string(bytes, 'v') +
         "\r\nx-short: 1\r\n\r\n";
}

TEST(HeadTranslationTest, LongHeadsComeBackAsTheyWere) {
  for (const std::size_t bytes : {126U, 127U, 254U, 255U, 16'360U, 16'368U, 16'384U, 50'000U}) {
    std::string back = http1(http2(long_head(bytes)));
    EXPECT_EQ(back.replace(back.find("Host"), 4, "host"), long_head(bytes));
  }
}

TEST(HeadTranslationTest, LongHeadsNeedMoreFrames) {
  const std::string fields = "\2\3GET\x86\4\1/\1\1a\0\6x-long\x7f\xd1\x85\3"s +
                             std::string(50'000, 'v') + "\0\7x-short\0011"s;
  const std::string_view rest = fields;
  const auto part = [&](std::size_t from) { return std::string(rest.substr(from, kH2MaxPayload)); };
  EXPECT_EQ(frames(long_head(50'000)),
            frame(kH2Headers, part(0), kH2EndStream) + frame(kH2Continuation, part(kH2MaxPayload)) +
                frame(kH2Continuation, part(2 * kH2MaxPayload)) +
                frame(kH2Continuation, part(3 * kH2MaxPayload), kH2EndHeaders));
}

TEST(HeadTranslationTest, WhatHttp2CantSayGivesNothing) {
  for (const char* head :
       {"", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.0\r\n\r\n",
        "GET HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "G:T / HTTP/1.1\r\n\r\n",
        " / HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nname\r\n\r\n", "GET / HTTP/1.1\r\n: v\r\n\r\n",
        "GET / HTTP/1.1\r\na b: v\r\n\r\n", "GET / HTTP/1.1\r\na: \x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \x01\r\n\r\n"}) {
    EXPECT_EQ(http2(head), "(none)") << head;
  }
}

TEST(HeadTranslationTest, TooSmallABufferGivesNothing) {
  const std::string head = kConnection + frame(kH2Headers, kRequest);
  std::string buffer(http1_head_room(head.size()) - 1, '\0');
  EXPECT_EQ(http1_head_of(head, buffer), std::nullopt);
  for (std::size_t bytes = 0; bytes < http2("GET / HTTP/1.1\r\n\r\n").size(); ++bytes) {
    std::string small(bytes, '\0');
    EXPECT_EQ(http2_head_of("GET / HTTP/1.1\r\n\r\n", {false, true}, small), std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::core
