#include "controller/model/decode/text_rule.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::model {
namespace {

// A predicate and the pattern that it stands for, as the CRDs write it.
struct Pattern {
  std::string name;
  bool (*predicate)(std::string_view);
  std::string pattern;
  std::string alphabet;  // of random texts: what the pattern can tell apart
};

const std::string kLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const std::string kSubdomain = kLabel + "(\\." + kLabel + ")*";
const std::string kDomainPath = "[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+";
const std::string kUrlPath = "(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+";

const std::vector<Pattern> kPatterns = {
    {"DnsLabel", is_dns_label, "^" + kLabel + "$", "a0-A."},
    {"DnsSubdomain", is_dns_subdomain, "^" + kSubdomain + "$", "a0-A.*"},
    {"Group", is_group, "^$|^" + kSubdomain + "$", "a0-A.*"},
    {"Kind", is_kind, "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", "aZ0-._"},
    {"Hostname", is_hostname, "^(\\*\\.)?" + kSubdomain + "$", "az0-.*"},
    {"ExactHostname", is_exact_hostname, "^" + kSubdomain + "$", "az0-.*"},
    {"HeaderName", is_header_name, "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", "aZ0!#%'*.^`|~: (,"},
    {"Duration", is_duration, "^([0-9]{1,5}(h|m|s|ms)){1,4}$", "0123hms"},
    {"ControllerName", is_controller_name, "^" + kSubdomain + "\\/" + kDomainPath + "$",
     "aZ0-./%_"},
    {"Protocol", is_protocol,
     "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|" + kSubdomain + "\\/[A-Za-z0-9]+$", "aZ0-./_"},
    {"AddressType", is_address_type,
     "^Hostname|IPAddress|NamedAddress|" + kSubdomain + "\\/" + kDomainPath + "$", "aZ0-./%_"},
    {"CorsOriginHost",
     [](std::string_view text) { return is_cors_origin("https://" + std::string(text)); },
     "^(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$", "aZ0-.*:/"},
    {"LabelValue", is_label_value, "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$", "aZ0-_./"},
    {"LabelKey", is_label_key,
     "^(" + kSubdomain + "/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$", "aZ0-_./"},
    {"PathText", is_path_text, "^" + kUrlPath + "$", "aZ/%2fF ?#"},
};

std::string random_text(std::mt19937& random, const std::string& alphabet) {
  std::string text;
  const std::size_t length = random() % 12;
  for (std::size_t i = 0; i < length; ++i)
    text += alphabet[random() % alphabet.size()];
  return text;
}

class TextRulePatternTest : public testing::TestWithParam<Pattern> {};

TEST_P(TextRulePatternTest, PredicateAgreesWithThePatternOfTheCrd) {
  const Pattern& pattern = GetParam();
  const re2::RE2 expression(pattern.pattern);
  ASSERT_TRUE(expression.ok()) << expression.error();
  std::mt19937 random(20261121);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random, pattern.alphabet);
    // Hostnames may be no IP address, which the pattern cannot say.
    if (is_ip_address(text)) continue;
    const bool expected = re2::RE2::PartialMatch(text, expression);
    accepted += expected ? 1 : 0;
    ASSERT_EQ(pattern.predicate(text), expected) << quote(text);
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 19'900);
}

std::string pattern_name(const testing::TestParamInfo<Pattern>& param) {
  return param.param.name;
}

INSTANTIATE_TEST_SUITE_P(Crd, TextRulePatternTest, testing::ValuesIn(kPatterns), pattern_name);

TEST(TextRuleTest, ARoutabilityOfADomainOtherThanKubernetesIsValid) {
  for (const char* text : {"", "Cluster", "testing.x-k8s.io/sentinel", "a/b/", "xk8s.io/a"})
    EXPECT_TRUE(is_routability(text)) << text;
  for (const char* text : {"Public", "a/", "/a", "A/b", "k8s.io/a", "gateway.networking.k8s.io/a"})
    EXPECT_FALSE(is_routability(text)) << text;
}

TEST(TextRuleTest, AddressTypesWithoutADomainAreTheKnownOnes) {
  EXPECT_TRUE(is_address_type("IPAddress"));
  EXPECT_TRUE(is_address_type("Hostname"));
  EXPECT_TRUE(is_address_type("NamedAddress"));
  EXPECT_FALSE(is_address_type("Pool"));
}

TEST(TextRuleTest, CorsOriginNeedsAScheme) {
  EXPECT_TRUE(is_cors_origin("*"));
  EXPECT_TRUE(is_cors_origin("http://a.b:8080"));
  EXPECT_FALSE(is_cors_origin("ftp://a.b"));
  EXPECT_FALSE(is_cors_origin("a.b"));
}

TEST(TextRuleTest, DurationsAddUp) {
  EXPECT_EQ(duration_ms("0s"), 0);
  EXPECT_EQ(duration_ms("1h30m"), 5'400'000);
  EXPECT_EQ(duration_ms("1m500ms"), 60'500);
  EXPECT_EQ(duration_ms("99999h99999h99999h99999h"), 4LL * 99'999 * 3'600'000);
}

TEST(TextRuleTest, PortNameHasALetter) {
  EXPECT_TRUE(is_port_name("http-2"));
  EXPECT_FALSE(is_port_name("80"));
  EXPECT_FALSE(is_port_name("a--b"));
  EXPECT_FALSE(is_port_name("-a"));
}

TEST(TextRuleTest, AddressesAreReadByTheSystem) {
  EXPECT_TRUE(is_ip_address("127.0.0.1"));
  EXPECT_TRUE(is_ip_address("::ffff:1.2.3.4"));
  EXPECT_FALSE(is_ip_address("127.1"));
  EXPECT_FALSE(is_ip_address("fe80::1%eth0"));
  EXPECT_FALSE(is_ip_address(std::string("::1\0", 4)));
  EXPECT_FALSE(is_endpoint_ipv6("::"));
  EXPECT_FALSE(is_endpoint_ipv6("ff02::1"));
  EXPECT_TRUE(is_endpoint_ipv6("::1"));
}

TEST(TextRuleTest, Base64IsPaddedToFours) {
  EXPECT_TRUE(is_base64(""));
  EXPECT_TRUE(is_base64("aGVsbG8="));
  EXPECT_TRUE(is_base64("aGVs\nbG8="));
  EXPECT_FALSE(is_base64("aGVsbG8"));
  EXPECT_FALSE(is_base64("aG=sbG8="));
  EXPECT_FALSE(is_base64("aGVsbG8-"));
}

TEST(TextRuleTest, CharactersAreCountedNotBytes) {
  EXPECT_EQ(count_characters("abc"), 3U);
  EXPECT_EQ(count_characters("\xC3\xA4\xE2\x82\xAC"), 2U);
}

TEST(TextRuleTest, QuotedTextIsAlwaysPrintable) {
  EXPECT_EQ(quote("a\"b\\c\n\t"), R"("a\"b\\c\n\t")");
  EXPECT_EQ(quote("\x01\x7F\xFF"), R"("\x01\x7f\xff")");
  EXPECT_EQ(quote("\xC3\xA4"), "\"\xC3\xA4\"");
  EXPECT_EQ(quote("\xC0\x80"), R"("\xc0\x80")");
  EXPECT_EQ(quote("\xED\xA0\x80"), R"("\xed\xa0\x80")");
  EXPECT_EQ(quote(std::string(100, 'x')), "\"" + std::string(80, 'x') + "\"...");
}

}  // namespace
}  // namespace sluice::model
