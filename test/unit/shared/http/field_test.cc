#include "shared/http/field.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

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

TEST(FieldTest, ConnectionNominatesFieldsBesideThoseThatAreOfConnectionsAnyway) {
  std::vector<std::string> names;
  for_each_nominated(" close,X-One ,keep-alive,,\tx-two, not a name,Upgrade",
                     [&names](std::string_view name) { names.emplace_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"X-One", "x-two"}));
  names.clear();
  for (const char* value : {"", "close", "keep-alive, Upgrade", " , "}) {
    for_each_nominated(value, [&names](std::string_view name) { names.emplace_back(name); });
  }
  EXPECT_TRUE(names.empty());
}

}  // namespace
}  // namespace sluice::http
