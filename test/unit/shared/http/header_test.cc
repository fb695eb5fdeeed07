#include "shared/http/header.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(HeaderTest, HashEqualsTheLowHalfOfNginxHash) {
  std::uint64_t nginx = 0;  // ngx_hash() over "x-forwarded-for" in ngx_uint_t
  for (const char c : std::string_view("x-forwarded-for")) {
    nginx = nginx * 31 + static_cast<unsigned char>(c);
  }
  EXPECT_EQ(header_name_hash("x-forwarded-for"), static_cast<std::uint32_t>(nginx));
  EXPECT_EQ(header_name_hash("a"), 97U);
  EXPECT_EQ(header_name_hash("ab"), 97U * 31 + 98);
}

TEST(HeaderTest, HashIgnoresCase) {
  EXPECT_EQ(header_name_hash("X-Version"), header_name_hash("x-version"));
}

TEST(HeaderTest, NamesAreComparedWithoutCase) {
  EXPECT_TRUE(same_header_name("X-Version", "x-vERSION"));
  EXPECT_FALSE(same_header_name("X-Version", "X-Versio"));
  EXPECT_FALSE(same_header_name("x_version", "x-version"));
}

}  // namespace
}  // namespace sluice::http
