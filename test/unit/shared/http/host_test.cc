#include "shared/http/host.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

std::string normalised(std::string_view authority) {
  std::array<char, kMaxHostBytes> buffer;
  const std::optional<std::string_view> host = normalise_host(authority, buffer);
  return host ? std::string(*host) : "(none)";
}

HostPattern pattern(std::string_view text) {
  const std::optional<HostPattern> parsed = parse_host_pattern(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(HostPattern{});
}

std::string intersection(std::string_view a, std::string_view b) {
  const std::optional<HostPattern> both = intersect(pattern(a), pattern(b));
  const std::optional<HostPattern> reversed = intersect(pattern(b), pattern(a));
  EXPECT_EQ(both, reversed) << a << " and " << b;
  if (!both) return "(none)";
  return (both->form == HostForm::kWildcard ? "*." : "") + std::string(both->name);
}

TEST(HostTest, NormalisingLowersAndStripsPortAndTrailingDot) {
  EXPECT_EQ(normalised("Example.COM"), "example.com");
  EXPECT_EQ(normalised("example.com:8080"), "example.com");
  EXPECT_EQ(normalised("example.com."), "example.com");
  EXPECT_EQ(normalised("example.com.:80"), "example.com");
  EXPECT_EQ(normalised("example.com:"), "example.com");
  EXPECT_EQ(normalised("10.0.0.1:80"), "10.0.0.1");
  EXPECT_EQ(normalised("under_score"), "under_score");
}

TEST(HostTest, AddressLiteralsKeepTheirBrackets) {
  EXPECT_EQ(normalised("[::1]:8080"), "[::1]");
  EXPECT_EQ(normalised("[FE80::1]"), "[fe80::1]");
  EXPECT_EQ(normalised("[::1"), "(none)");
  EXPECT_EQ(normalised("[::1]x"), "(none)");
  EXPECT_EQ(normalised("[]"), "(none)");
  EXPECT_EQ(normalised("[a/b]"), "(none)");
}

TEST(HostTest, AnAbsentHostIsTheEmptyHost) {
  EXPECT_EQ(normalised(""), "");
}

TEST(HostTest, WhatIsNoHostIsRefused) {
  for (const char* text : {"a b", "a/b", "a@b", "a\\b", "a..b", ".a", ".", ":80", "a:b", "a:123456",
                           "a:80:80", "a\x01", "a?b", "a#b"}) {
    EXPECT_EQ(normalised(text), "(none)") << text;
  }
}

TEST(HostTest, HostsAreBounded) {
  EXPECT_EQ(normalised(std::string(kMaxHostBytes, 'a')), std::string(kMaxHostBytes, 'a'));
  EXPECT_EQ(normalised(std::string(kMaxHostBytes + 1, 'a')), "(none)");
  std::array<char, 4> small;
  EXPECT_FALSE(normalise_host("abcde", small));
}

TEST(HostTest, PatternsAreExactWildcardOrAny) {
  EXPECT_EQ(pattern(""), (HostPattern{HostForm::kAny, ""}));
  EXPECT_EQ(pattern("a.example.com"), (HostPattern{HostForm::kExact, "a.example.com"}));
  EXPECT_EQ(pattern("*.example.com"), (HostPattern{HostForm::kWildcard, "example.com"}));
}

TEST(HostTest, PatternsThatTheCrdRefusesAreNone) {
  for (const char* text :
       {"*", "*.", "a.*.com", "Example.com", "a..b", "-a", "a-", "a.", ".a", "a_b", "a:80"}) {
    EXPECT_FALSE(parse_host_pattern(text)) << text;
  }
  EXPECT_FALSE(parse_host_pattern(std::string(254, 'a')));
}

TEST(HostTest, WildcardCoversOneOrMoreLabels) {
  EXPECT_TRUE(host_matches(pattern("*.example.com"), "a.example.com"));
  EXPECT_TRUE(host_matches(pattern("*.example.com"), "b.a.example.com"));
  EXPECT_FALSE(host_matches(pattern("*.example.com"), "example.com"));
  EXPECT_FALSE(host_matches(pattern("*.example.com"), "badexample.com"));
}

TEST(HostTest, AnyMatchesAlsoTheEmptyHost) {
  EXPECT_TRUE(host_matches(pattern(""), ""));
  EXPECT_TRUE(host_matches(pattern(""), "x"));
  EXPECT_FALSE(host_matches(pattern("x"), ""));
}

TEST(HostTest, IntersectionIsTheNarrowerPattern) {
  EXPECT_EQ(intersection("", ""), "");
  EXPECT_EQ(intersection("", "*.com"), "*.com");
  EXPECT_EQ(intersection("a.com", "a.com"), "a.com");
  EXPECT_EQ(intersection("a.com", "b.com"), "(none)");
  EXPECT_EQ(intersection("*.com", "a.com"), "a.com");
  EXPECT_EQ(intersection("*.com", "com"), "(none)");
  EXPECT_EQ(intersection("*.com", "*.a.com"), "*.a.com");
  EXPECT_EQ(intersection("*.a.com", "*.a.com"), "*.a.com");
  EXPECT_EQ(intersection("*.a.com", "*.b.com"), "(none)");
  EXPECT_EQ(intersection("*.a.com", "*.ba.com"), "(none)");
}

TEST(HostTest, LabelsAreCountedAndMasked) {
  EXPECT_EQ(count_labels(""), 0U);
  EXPECT_EQ(count_labels("com"), 1U);
  EXPECT_EQ(count_labels("a.b.com"), 3U);
  EXPECT_EQ(count_bit(2), 4U);
  EXPECT_EQ(count_bit(63), count_bit(120));
}

}  // namespace
}  // namespace sluice::http
