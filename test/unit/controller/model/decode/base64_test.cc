#include "controller/model/decode/base64.h"

#include <gtest/gtest.h>

namespace sluice::model {
namespace {

TEST(Base64Test, TheVectorsOfTheRfcAreDecoded) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(decode_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
}

TEST(Base64Test, LineBreaksDoNotMatter) {
  EXPECT_EQ(decode_base64("Zm9v\nYm\r\nFy\n"), "foobar");
}

TEST(Base64Test, EveryDigitHasItsValue) {
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decode_base64("AAAA"), std::string(3, '\0'));
}

}  // namespace
}  // namespace sluice::model
