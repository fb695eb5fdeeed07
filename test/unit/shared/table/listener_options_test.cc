// What GatewayParameters say of a listener, in the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/match/matcher.h"
#include "shared/table/networks.h"
#include "test/unit/shared/table/table_fixture.h"

namespace sluice::table {
namespace {

using testing::HasSubstr;
using testing::Not;

ListenerSpec limited(std::uint32_t id, const std::string& name) {
  ListenerSpec spec = listener_spec(id, name);
  spec.options = {.trusted_proxies = {*http::parse_ip_network("10.0.0.0/8"),
                                      *http::parse_ip_network("2001:db8::/32")},
                  .max_body_bytes = 5'000'000'000,
                  .max_header_bytes = 4096,
                  .max_uri_bytes = 1024};
  return spec;
}

match::GroupKey socket_of(std::uint16_t port) {
  match::GroupKey key;
  key.socket.port = port;
  return key;
}

bool expects_proxy_protocol(const Reader& reader, std::uint16_t port) {
  Group group{};
  return match::find_group(reader, socket_of(port), group) && group.proxy_protocol != 0;
}

class ListenerOptionsTest : public testing::Test, public TableFixture {};

TEST_F(ListenerOptionsTest, ADumpShowsLimitsAndNetworks) {
  editor().put_listener(limited(1, "http"));
  EXPECT_THAT(committed(), HasSubstr("  tries nothing\n  max body 5000000000  max header 4096  max "
                                     "uri 1024  trusts 10.0.0.0/8 2001:db8::/32\n"));
}

TEST_F(ListenerOptionsTest, ARecordLeadsToEveryNetwork) {
  editor().put_listener(limited(1, "http"));
  committed();
  Listener found{};
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8080), "x", found));
  const auto options = reader().read<ListenerOptions>(found.options);
  ASSERT_TRUE(options);
  ASSERT_EQ(options->networks, 2U);
  const auto second = reader().read_element<Network>(found.options, sizeof(ListenerOptions), 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(to_ip_network(*second), *http::parse_ip_network("2001:db8::/32"));
}

TEST_F(ListenerOptionsTest, AListenerWithoutOptionsHasNoRecord) {
  editor().put_listener(limited(1, "http"));
  committed();
  editor().put_listener(listener_spec(1, "http"));
  EXPECT_THAT(committed(), Not(HasSubstr("max body")));
  Listener found{};
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8080), "x", found));
  EXPECT_EQ(found.options, 0U);
}

TEST_F(ListenerOptionsTest, ASocketExpectsThePROXYProtocolWhileAListenerSaysSo) {
  ListenerSpec spec = listener_spec(1, "http");
  spec.proxy_protocol = true;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("group 0.0.0.0:8080  tries any  proxy-protocol\n"));
  EXPECT_TRUE(expects_proxy_protocol(reader(), 8080));
  EXPECT_FALSE(expects_proxy_protocol(reader(), 1));
  spec.proxy_protocol = false;
  editor().put_listener(spec);
  committed();
  EXPECT_FALSE(expects_proxy_protocol(reader(), 8080));
}

TEST_F(ListenerOptionsTest, AListenerSaysWhetherWhatItRelaysBeginsWithAHeader) {
  ListenerSpec spec = listener_spec(1, "tcp");
  spec.mode = ListenerMode::kTcp;
  spec.backend_proxy_protocol = true;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), HasSubstr("  tcp  proxy-protocol to backends -> [0.0.0.0:8080]\n"));
  Listener found{};
  ASSERT_TRUE(match::find_listener(reader(), socket_of(8080), "", found));
  EXPECT_EQ(found.backend_proxy_protocol, 1U);
  spec.backend_proxy_protocol = false;
  editor().put_listener(spec);
  EXPECT_THAT(committed(), Not(HasSubstr("proxy-protocol")));
}

}  // namespace
}  // namespace sluice::table
