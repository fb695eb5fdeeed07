#include "controller/resolve/grpc_match.h"

#include <gtest/gtest.h>

#include "shared/match/regex.h"

namespace sluice::resolve {
namespace {

using model::PathMatch;
using model::PathMatchType;

PathMatch path_of(bool regex, std::string service, std::string method) {
  return to_http_match({.method = {regex, std::move(service), std::move(method)}, .headers = {}})
      .path;
}

TEST(GrpcMatchTest, AnExactCallIsAnExactPath) {
  EXPECT_EQ(path_of(false, "foo.Bar", "Get"), (PathMatch{PathMatchType::kExact, "/foo.Bar/Get"}));
}

TEST(GrpcMatchTest, AServiceAloneIsThePrefixOfItsCalls) {
  EXPECT_EQ(path_of(false, "foo.Bar", ""), (PathMatch{PathMatchType::kPathPrefix, "/foo.Bar"}));
}

TEST(GrpcMatchTest, NothingIsEveryCall) {
  EXPECT_EQ(path_of(false, "", ""), (PathMatch{PathMatchType::kPathPrefix, "/"}));
  EXPECT_EQ(path_of(true, "", ""), (PathMatch{PathMatchType::kPathPrefix, "/"}));
}

TEST(GrpcMatchTest, AMethodAloneIsThatMethodOfAnyService) {
  EXPECT_EQ(path_of(false, "", "Get"),
            (PathMatch{PathMatchType::kRegularExpression, "/[^/]+/Get"}));
}

TEST(GrpcMatchTest, PatternsAreJoinedSoThatTheirAlternativesStayApart) {
  const PathMatch both = path_of(true, "a|b", "c|d");
  EXPECT_EQ(both, (PathMatch{PathMatchType::kRegularExpression, "/(?:a|b)/(?:c|d)"}));
  EXPECT_TRUE(match::check_pattern(both.value));
  EXPECT_EQ(path_of(true, "a.*", "").value, "/(?:a.*)/[^/]+");
  EXPECT_EQ(path_of(true, "", "Get.*").value, "/[^/]+/(?:Get.*)");
}

TEST(GrpcMatchTest, HeadersAreHeadersAndAMethodIsNoHttpMethod) {
  const model::HttpRouteMatch match =
      to_http_match({.method = {}, .headers = {{true, "color", "r.d"}}});
  EXPECT_EQ(match.headers, (std::vector<model::NameMatch>{{true, "color", "r.d"}}));
  EXPECT_EQ(match.method, std::nullopt);
}

}  // namespace
}  // namespace sluice::resolve
