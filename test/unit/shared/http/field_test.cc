#include "shared/http/field.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

using std::string_literals::operator""s;

TEST(FieldTest, ANameIsAToken) {
  EXPECT_TRUE(is_field_name("X-Mixedcase-ADD-1"));
  EXPECT_TRUE(is_field_name("a!#$%&'*+-.^_`|~9"));
  for (const std::string& name : {""s, "a b"s, "a:b"s, ":path"s, "a\r"s, "a\0"s, "\xc3\xa9"s}) {
    EXPECT_FALSE(is_field_name(name)) << name;
  }
}

TEST(FieldTest, AValueHasNoControlCharacters) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a, b;\tc=\"\xc3\xa9\""));
  for (const std::string& value : {"a\r\nb: c"s, "a\0"s, "\x7f"s, "\x1b[0m"s}) {
    EXPECT_FALSE(is_field_value(value)) << value;
  }
}

TEST(FieldTest, FieldsOfTheConnectionAreKnownInAnyCase) {
  EXPECT_TRUE(is_connection_field("connection"));
  EXPECT_TRUE(is_connection_field("CONTENT-LENGTH"));
  EXPECT_TRUE(is_connection_field("te"));
  EXPECT_FALSE(is_connection_field("Content-Type"));
  EXPECT_FALSE(is_connection_field("Host"));
  EXPECT_FALSE(is_connection_field(""));
}

}  // namespace
}  // namespace sluice::http
