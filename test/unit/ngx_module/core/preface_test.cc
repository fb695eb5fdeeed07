#include "ngx_module/core/preface.h"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

TEST(PrefaceTest, TheWholePrefaceIsHttp2) {
  EXPECT_EQ(tell_protocol(kPreface), Protocol::kHttp2);
}

TEST(PrefaceTest, ItsFirstLineIsEnough) {
  EXPECT_EQ(tell_protocol("PRI * HTTP/2.0\r\n"), Protocol::kHttp2);
}

TEST(PrefaceTest, EachShorterBeginningIsUndecided) {
  for (std::size_t bytes = 0; bytes < 16; ++bytes) {
    EXPECT_EQ(tell_protocol(kPreface.substr(0, bytes)), Protocol::kUndecided) << bytes;
  }
}

TEST(PrefaceTest, MethodsThatBeginAlikeAreHttp1) {
  for (const char* first : {"POST / HTTP/1.1\r\n", "PUT", "PROPFIND", "PRI /x HTTP/1.1\r\n", "G"}) {
    EXPECT_EQ(tell_protocol(first), Protocol::kHttp1) << first;
  }
}

TEST(PrefaceTest, OtherBytesAreHttp1WhichRefusesThem) {
  EXPECT_EQ(tell_protocol("\x16\x03\x01"), Protocol::kHttp1);
}

}  // namespace
}  // namespace sluice::core
