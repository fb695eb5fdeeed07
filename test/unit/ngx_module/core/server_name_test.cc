#include "ngx_module/core/server_name.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

std::string number16(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

std::string entry(const std::string& name, char type = 0) {
  return type + number16(name.size()) + name;
}

std::string extension(const std::string& entries) {
  return number16(entries.size()) + entries;
}

std::string name_in(const std::string& bytes) {
  std::array<char, http::kMaxHostBytes> buffer;
  return std::string(server_name(bytes, buffer));
}

TEST(ServerNameTest, TheNameIsFoundInLowerCase) {
  EXPECT_EQ(name_in(extension(entry("Shop.Example.COM"))), "shop.example.com");
}

TEST(ServerNameTest, AnEmptyOrMissingNameIsNone) {
  EXPECT_EQ(name_in(""), "");
  EXPECT_EQ(name_in(extension("")), "");
  EXPECT_EQ(name_in(extension(entry(""))), "");
}

TEST(ServerNameTest, ACutExtensionIsNone) {
  const std::string whole = extension(entry("a.example.com"));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(name_in(whole.substr(0, bytes)), "") << bytes;
  }
}

TEST(ServerNameTest, LengthsThatDoNotAgreeAreNone) {
  EXPECT_EQ(name_in(extension(entry("a")) + "x"), "");
  EXPECT_EQ(name_in(extension(entry("a") + "x")), "");
  EXPECT_EQ(name_in(extension(entry("a") + entry("b"))), "");
}

TEST(ServerNameTest, AnotherTypeOfNameIsNone) {
  EXPECT_EQ(name_in(extension(entry("a", 1))), "");
}

TEST(ServerNameTest, WhatNoHostnameCouldCoverIsNone) {
  EXPECT_EQ(name_in(extension(entry("a b"))), "");
  EXPECT_EQ(name_in(extension(entry("a:443"))), "");
  EXPECT_EQ(name_in(extension(entry("*.example.com"))), "");
  EXPECT_EQ(name_in(extension(entry(std::string("a\0b", 3)))), "");
  EXPECT_EQ(name_in(extension(entry(std::string(300, 'a')))), "");
}

}  // namespace
}  // namespace sluice::core
