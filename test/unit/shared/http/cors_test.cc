#include "shared/http/cors.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace sluice::http {
namespace {

using Texts = std::array<std::string_view, 1>;
constexpr Texts kStar = {"*"};

CorsPolicy everything(bool credentials) {
  CorsPolicy policy;
  policy.allow_credentials = credentials;
  policy.allow_origins = kStar;
  policy.allow_methods = kStar;
  policy.allow_headers = kStar;
  policy.expose_headers = kStar;
  return policy;
}

TEST(CorsTest, AnOriginMatchesItself) {
  EXPECT_TRUE(origin_matches("https://www.foo.com", "https://www.foo.com"));
  EXPECT_TRUE(origin_matches("https://WWW.foo.com", "https://www.Foo.com"));
  EXPECT_TRUE(origin_matches("http://foo.com:8080", "http://foo.com:8080"));
  EXPECT_FALSE(origin_matches("https://www.foo.com", "http://www.foo.com"));
  EXPECT_FALSE(origin_matches("https://www.foo.com", "https://www.foo.com:8443"));
  EXPECT_FALSE(origin_matches("https://www.foo.com", "https://www.foo.com.evil.com"));
  EXPECT_FALSE(origin_matches("https://www.foo.com", ""));
}

TEST(CorsTest, AStarMatchesEveryOrigin) {
  EXPECT_TRUE(origin_matches("*", "https://a.b:12345"));
  EXPECT_TRUE(origin_matches("*", "null"));
  EXPECT_FALSE(origin_matches("*", ""));
}

TEST(CorsTest, AWildcardHostCrossesDots) {
  EXPECT_TRUE(origin_matches("https://*.bar.com", "https://www.bar.com"));
  EXPECT_TRUE(origin_matches("https://*.bar.com", "https://xpto.www.bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://.bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "http://www.bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://www.bar.com:8443"));
  EXPECT_TRUE(origin_matches("https://*.bar.com:8443", "https://www.bar.com:8443"));
}

TEST(CorsTest, AWildcardStandsForHostCharactersOnly) {
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://evil.com/.bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://evil.com:1.bar.com"));
  EXPECT_FALSE(origin_matches("https://*.bar.com", "https://a@b.bar.com"));
  EXPECT_FALSE(origin_matches("https://*", "https://a.com:8443"));
  EXPECT_TRUE(origin_matches("https://*", "https://a.com"));
  EXPECT_FALSE(origin_matches("*://a.com", "https://a.com"));
  EXPECT_FALSE(origin_matches("https://*.*.com", "https://a.b.com"));
}

TEST(CorsTest, APreflightHasAnOriginAndAMethodToAskFor) {
  EXPECT_TRUE(is_preflight("OPTIONS", {"https://a.com", "PUT", ""}));
  EXPECT_FALSE(is_preflight("GET", {"https://a.com", "PUT", ""}));
  EXPECT_FALSE(is_preflight("OPTIONS", {"", "PUT", ""}));
  EXPECT_FALSE(is_preflight("OPTIONS", {"https://a.com", "", ""}));
}

TEST(CorsTest, ConfiguredListsAreTheAnswer) {
  constexpr Texts kOrigins = {"https://*.bar.com"};
  constexpr std::array<std::string_view, 2> kMethods = {"GET", "OPTIONS"};
  constexpr Texts kHeaders = {"x-one"};
  CorsPolicy policy;
  policy.allow_origins = kOrigins;
  policy.allow_methods = kMethods;
  policy.allow_headers = kHeaders;
  policy.expose_headers = kHeaders;
  const CorsAnswer answer = answer_cors(policy, {"https://www.bar.com", "POST", "x-two"});
  EXPECT_EQ(answer.allow_origin, "https://www.bar.com");
  EXPECT_FALSE(answer.allow_credentials);
  EXPECT_TRUE(answer.vary);
  EXPECT_EQ(answer.allow_methods.text, "");
  EXPECT_EQ(answer.allow_methods.list.data(), kMethods.data());
  EXPECT_EQ(answer.allow_methods.list.size(), 2U);
  EXPECT_EQ(answer.allow_headers.list.data(), kHeaders.data());
  EXPECT_EQ(answer.expose_headers.list.data(), kHeaders.data());
}

TEST(CorsTest, AForeignOriginIsToldNothing) {
  constexpr Texts kOrigins = {"https://www.foo.com"};
  CorsPolicy policy = everything(true);
  policy.allow_origins = kOrigins;
  const CorsAnswer answer = answer_cors(policy, {"https://foobar.com", "GET", "x-one"});
  EXPECT_EQ(answer.allow_origin, "");
  EXPECT_FALSE(answer.allow_credentials);
  EXPECT_TRUE(answer.vary);
  EXPECT_TRUE(answer.allow_methods.empty());
  EXPECT_TRUE(answer.allow_headers.empty());
  EXPECT_TRUE(answer.expose_headers.empty());
  EXPECT_FALSE(answer.expose_all);
}

TEST(CorsTest, WithCredentialsNothingIsAWildcard) {
  const CorsAnswer answer = answer_cors(everything(true), {"https://a.com", "PUT", "x-one, x-two"});
  EXPECT_EQ(answer.allow_origin, "https://a.com");
  EXPECT_TRUE(answer.allow_credentials);
  EXPECT_TRUE(answer.vary);
  EXPECT_EQ(answer.allow_methods.text, "PUT");
  EXPECT_EQ(answer.allow_headers.text, "x-one, x-two");
  EXPECT_TRUE(answer.expose_all);
  EXPECT_TRUE(answer.expose_headers.empty());
}

TEST(CorsTest, WithoutCredentialsWildcardsAreSaid) {
  const CorsAnswer answer = answer_cors(everything(false), {"https://a.com", "PUT", ""});
  EXPECT_EQ(answer.allow_origin, "*");
  EXPECT_FALSE(answer.allow_credentials);
  EXPECT_FALSE(answer.vary);
  EXPECT_EQ(answer.allow_methods.text, "*");
  EXPECT_EQ(answer.allow_headers.text, "*");
  EXPECT_EQ(answer.expose_headers.text, "*");
  EXPECT_FALSE(answer.expose_all);
}

// Browsers do not count Authorization to "*".
TEST(CorsTest, HeadersThatAreAskedForAreNamed) {
  const CorsAnswer answer =
      answer_cors(everything(false), {"https://a.com", "PUT", "authorization"});
  EXPECT_EQ(answer.allow_headers.text, "authorization");
}

TEST(CorsTest, EmptyListsSayNothing) {
  CorsPolicy policy;
  policy.allow_origins = kStar;
  const CorsAnswer answer = answer_cors(policy, {"https://a.com", "PUT", "x-one"});
  EXPECT_EQ(answer.allow_origin, "*");
  EXPECT_TRUE(answer.allow_methods.empty());
  EXPECT_TRUE(answer.allow_headers.empty());
}

}  // namespace
}  // namespace sluice::http
