#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::Optional;

constexpr const char* kParameters = R"({
  "apiVersion": "sluice.dev/v1alpha1", "kind": "GatewayParameters",
  "metadata": {"name": "edge"},
  "spec": {"clientAddress": {"trustedProxies": ["10.0.0.0/8", "2001:db8::1"],
                             "proxyProtocolPorts": [80, 443]},
           "relay": {"proxyProtocolPorts": [5432, 6379]},
           "limits": {"maxBodyBytes": 5000000000, "maxHeaderBytes": 8192, "maxUriBytes": 2048}}})";

TEST(GatewayParametersTest, AreReadAsWritten) {
  const auto parameters = decode_as<GatewayParameters>(nlohmann::json::parse(kParameters));
  EXPECT_EQ(parameters.meta.name.text(), "default/edge");
  EXPECT_THAT(parameters.trusted_proxies,
              Optional(ElementsAre(http::parse_ip_network("10.0.0.0/8"),
                                   http::parse_ip_network("2001:db8::1/128"))));
  EXPECT_THAT(parameters.proxy_protocol_ports, Optional(ElementsAre(80, 443)));
  EXPECT_THAT(parameters.backend_proxy_protocol_ports, Optional(ElementsAre(5432, 6379)));
  EXPECT_EQ(parameters.max_body_bytes, 5'000'000'000U);
  EXPECT_EQ(parameters.max_header_bytes, 8192U);
  EXPECT_EQ(parameters.max_uri_bytes, 2048U);
}

TEST(GatewayParametersTest, AnEmptyListIsGivenAndAMissingOneIsNot) {
  const auto parameters = decode_as<GatewayParameters>(nlohmann::json::parse(R"({
    "apiVersion": "sluice.dev/v1alpha1", "kind": "GatewayParameters", "metadata": {"name": "p"},
    "spec": {"clientAddress": {"trustedProxies": []}, "relay": {"proxyProtocolPorts": []}}})"));
  EXPECT_THAT(parameters.trusted_proxies, Optional(testing::IsEmpty()));
  EXPECT_FALSE(parameters.proxy_protocol_ports);
  EXPECT_THAT(parameters.backend_proxy_protocol_ports, Optional(testing::IsEmpty()));
  EXPECT_FALSE(parameters.max_body_bytes);
}

class GatewayParametersRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(GatewayParametersRefusalTest, IsRefused) {
  expect_refused(kParameters, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Fields, GatewayParametersRefusalTest,
    testing::Values(
        Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
        Refusal{"OfAnUnknownField", "/spec/clientAddres", "{}", "spec.clientAddres",
                "did you mean \"clientAddress\"?"},
        Refusal{"OfAnUnknownLimit", "/spec/limits/maxBodybytes", "1", "spec.limits.maxBodybytes",
                "unknown field; did you mean \"maxBodyBytes\"?"},
        Refusal{"OfANetworkWithBitsBehindItsPrefix", "/spec/clientAddress/trustedProxies/1",
                R"("10.0.0.1/8")", "spec.clientAddress.trustedProxies[1]",
                "found \"10.0.0.1/8\"; valid is an IPv4 or IPv6 address, or a network"},
        Refusal{"OfAHostname", "/spec/clientAddress/trustedProxies/0", R"("lb.example.com")",
                "spec.clientAddress.trustedProxies[0]", "valid is an IPv4 or IPv6 address"},
        Refusal{"OfANetworkTwice", "/spec/clientAddress/trustedProxies/1", R"("10.0.0.0/8")",
                "spec.clientAddress.trustedProxies[1]", "again"},
        Refusal{"OfTooManyNetworks", "/spec/clientAddress/trustedProxies",
                repeat(65, R"("10.0.0.1")"), "spec.clientAddress.trustedProxies",
                "valid are 0 to 64"},
        Refusal{"OfNoPort", "/spec/clientAddress/proxyProtocolPorts/0", "0",
                "spec.clientAddress.proxyProtocolPorts[0]", "valid are 1 to 65535"},
        Refusal{"OfAPortTwice", "/spec/clientAddress/proxyProtocolPorts/1", "80",
                "spec.clientAddress.proxyProtocolPorts[1]", "found 80 twice"},
        Refusal{"OfAnUnknownFieldOfTheRelay", "/spec/relay/proxyProtocolPort", "2",
                "spec.relay.proxyProtocolPort", "did you mean \"proxyProtocolPorts\"?"},
        Refusal{"OfARelayOfNoPort", "/spec/relay/proxyProtocolPorts/1", "65536",
                "spec.relay.proxyProtocolPorts[1]", "valid are 1 to 65535"},
        Refusal{"OfARelayOfAPortTwice", "/spec/relay/proxyProtocolPorts/1", "5432",
                "spec.relay.proxyProtocolPorts[1]", "found 5432 twice"},
        Refusal{"OfARelayOfTooManyPorts", "/spec/relay/proxyProtocolPorts", repeat(65, "80"),
                "spec.relay.proxyProtocolPorts", "valid are 0 to 64"},
        Refusal{"OfNoBody", "/spec/limits/maxBodyBytes", "0", "spec.limits.maxBodyBytes",
                "valid are 1 to 9007199254740991"},
        Refusal{"OfAQuantity", "/spec/limits/maxBodyBytes", R"("10Mi")", "spec.limits.maxBodyBytes",
                "found the text \"10Mi\""},
        Refusal{"OfFewHeaderBytes", "/spec/limits/maxHeaderBytes", "255",
                "spec.limits.maxHeaderBytes", "valid are 256 to 1048576"},
        Refusal{"OfAShortUri", "/spec/limits/maxUriBytes", "63", "spec.limits.maxUriBytes",
                "valid are 64 to 65536"}),
    name_of);

}  // namespace
}  // namespace sluice::model
