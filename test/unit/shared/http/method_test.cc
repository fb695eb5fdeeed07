#include "shared/http/method.h"

#include <gtest/gtest.h>

#include <bit>

namespace sluice::http {
namespace {

TEST(MethodTest, EveryNamedMethodHasItsOwnBit) {
  std::uint16_t all = 0;
  for (const char* name :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    const std::uint16_t bit = method_bit(name);
    EXPECT_EQ(std::popcount(bit), 1) << name;
    EXPECT_EQ(method_name(bit), name);
    all |= bit;
  }
  EXPECT_EQ(std::popcount(all), 9);
}

TEST(MethodTest, UnknownAndLowerCaseMethodsAreOther) {
  EXPECT_EQ(method_bit("get"), kOtherMethodBit);
  EXPECT_EQ(method_bit("PROPFIND"), kOtherMethodBit);
  EXPECT_EQ(method_bit(""), kOtherMethodBit);
  EXPECT_EQ(method_name(kOtherMethodBit), "other");
  EXPECT_EQ(method_name(0), "other");
}

}  // namespace
}  // namespace sluice::http
