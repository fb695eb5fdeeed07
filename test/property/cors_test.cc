// Origins against patterns, compared with a regular expression.
#include "shared/http/cors.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <string>

namespace sluice::http {
namespace {

std::string expression_of(const std::string& pattern) {
  std::string expression;
  for (const char c : pattern) {
    if (c == '*') {
      expression += "[a-z0-9._-]+";
    } else if (c == '.') {
      expression += "\\.";
    } else {
      expression += c;
    }
  }
  return expression;
}

TEST(CorsProperty, AWildcardMatchesWhatItsExpressionMatches) {
  const std::vector<std::string> schemes = {"http://", "https://"};
  const std::vector<std::string> hosts = {"a",   "a.b",   "*.b", "*.a.b", "a.*", "*",
                                          "x.b", "b.a.b", ".b",  "a*b",   "ab",  "a-b"};
  const std::vector<std::string> ports = {"", ":80", ":8080"};
  std::mt19937 engine(20261121);
  const auto pick = [&engine](const std::vector<std::string>& from) {
    return from[engine() % from.size()];
  };
  int matches = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = pick(schemes) + pick(hosts) + pick(ports);
    const std::string origin = pick(schemes) + pick(hosts) + pick(ports);
    if (origin.find('*') != std::string::npos) continue;
    const bool expected = RE2::FullMatch(origin, expression_of(pattern));
    EXPECT_EQ(origin_matches(pattern, origin), expected) << pattern << " " << origin;
    matches += expected ? 1 : 0;
  }
  EXPECT_GT(matches, 100);
}

}  // namespace
}  // namespace sluice::http
