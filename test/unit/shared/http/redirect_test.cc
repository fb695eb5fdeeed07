#include "shared/http/redirect.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::http {
namespace {

Redirect request(std::string_view scheme, std::uint16_t port) {
  Redirect redirect;
  redirect.client_scheme = scheme;
  redirect.client_host = "example.com";
  redirect.listener_port = port;
  redirect.path = "/path";
  return redirect;
}

std::string written(const Redirect& redirect) {
  std::array<char, 128> buffer;
  const auto location = write_location(redirect, buffer);
  return location ? std::string(*location) : "(none)";
}

TEST(RedirectTest, WithoutSchemeAndPortTheListenersPortIsKept) {
  EXPECT_EQ(written(request("http", 8080)), "http://example.com:8080/path");
  EXPECT_EQ(written(request("https", 8443)), "https://example.com:8443/path");
  EXPECT_EQ(written(request("http", 443)), "http://example.com:443/path");
}

TEST(RedirectTest, ThePortOfTheSchemeIsLeftOut) {
  EXPECT_EQ(written(request("http", 80)), "http://example.com/path");
  EXPECT_EQ(written(request("https", 443)), "https://example.com/path");
}

TEST(RedirectTest, ASchemeBringsItsOwnPort) {
  Redirect redirect = request("http", 8080);
  redirect.scheme = "https";
  EXPECT_EQ(written(redirect), "https://example.com/path");
  redirect.scheme = "http";
  EXPECT_EQ(written(redirect), "http://example.com/path");
}

TEST(RedirectTest, AGivenPortIsShownUnlessItIsTheSchemesOwn) {
  Redirect redirect = request("http", 80);
  redirect.port = 8083;
  EXPECT_EQ(written(redirect), "http://example.com:8083/path");
  redirect.scheme = "https";
  EXPECT_EQ(written(redirect), "https://example.com:8083/path");
  redirect.port = 443;
  EXPECT_EQ(written(redirect), "https://example.com/path");
  redirect.port = 80;
  EXPECT_EQ(written(redirect), "https://example.com:80/path");
}

TEST(RedirectTest, HostPathAndQueryComeTogether) {
  Redirect redirect = request("http", 80);
  redirect.hostname = "example.org";
  redirect.path = "/a%20b";
  redirect.query = "?q=1&q=2";
  EXPECT_EQ(written(redirect), "http://example.org/a%20b?q=1&q=2");
}

TEST(RedirectTest, AnIpv6AddressKeepsItsBrackets) {
  Redirect redirect = request("http", 8080);
  redirect.client_host = "[::1]";
  EXPECT_EQ(written(redirect), "http://[::1]:8080/path");
}

TEST(RedirectTest, AnUnknownListenerPortIsLeftOut) {
  EXPECT_EQ(written(request("http", 0)), "http://example.com/path");
}

TEST(RedirectTest, ATooSmallBufferGivesNothing) {
  const Redirect redirect = request("http", 80);
  std::array<char, 128> buffer;
  const std::size_t enough = location_bytes(redirect);
  EXPECT_TRUE(write_location(redirect, std::span(buffer).first(enough)));
  EXPECT_FALSE(write_location(redirect, std::span(buffer).first(enough - 1)));
}

}  // namespace
}  // namespace sluice::http
