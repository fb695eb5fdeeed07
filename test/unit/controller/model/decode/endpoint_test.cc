#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;

constexpr std::string_view kSlice = R"({
  "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
  "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
  "addressType": "IPv4",
  "endpoints": [
    {"addresses": ["127.0.0.1", "10.0.0.2"]},
    {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": true,
                                               "terminating": true}},
    {"addresses": ["10.0.0.4"], "conditions": {"ready": false}}],
  "ports": [{"name": "http", "port": 8080}, {"port": null, "protocol": "UDP"}]})";

constexpr std::string_view kBackend = R"({
  "apiVersion": "sluice.dev/v1alpha1", "kind": "Backend", "metadata": {"name": "web"},
  "spec": {"endpoints": [{"address": "10.0.0.1", "port": 80}, {"address": "::1", "port": 81},
                         {"unixPath": "/run/web.sock"}]}})";

constexpr std::string_view kNamedBackend = R"({
  "apiVersion": "sluice.dev/v1alpha1", "kind": "Backend", "metadata": {"name": "web"},
  "spec": {"endpoints": [{"hostname": "api.example.com", "port": 80}]}})";

TEST(EndpointSliceDecodeTest, ConditionsHaveTheirDefaults) {
  const auto slice = decode_as<EndpointSlice>(nlohmann::json::parse(kSlice));
  EXPECT_EQ(slice.service, "web");
  EXPECT_EQ(slice.address_type, "IPv4");
  EXPECT_EQ(slice.endpoints,
            (std::vector<SliceEndpoint>{{{"127.0.0.1", "10.0.0.2"}, true, true, false},
                                        {{"10.0.0.3"}, false, true, true},
                                        {{"10.0.0.4"}, false, false, false}}));
  EXPECT_EQ(slice.ports,
            (std::vector<SlicePort>{{"http", "TCP", 8080}, {"", "UDP", std::nullopt}}));
}

TEST(EndpointSliceDecodeTest, SliceWithoutAServiceIsAWarning) {
  const Decoded decoded = decode_json(with(kSlice, "/metadata/labels", "{}"));
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(std::get<EndpointSlice>(*decoded.object).service, "");
  EXPECT_THAT(warned_fields(decoded), ElementsAre("metadata.labels"));
}

TEST(EndpointSliceDecodeTest, Ipv6AndNamesAreKept) {
  auto json = with(kSlice, "/addressType", R"("IPv6")");
  json["endpoints"] = nlohmann::json::parse(R"([{"addresses": ["fd00::1"]}])");
  EXPECT_THAT(decode_as<EndpointSlice>(json).endpoints[0].addresses, ElementsAre("fd00::1"));
  json["addressType"] = "FQDN";
  json["endpoints"][0]["addresses"] = {"web.example.com"};
  EXPECT_THAT(decode_as<EndpointSlice>(json).endpoints[0].addresses,
              ElementsAre("web.example.com"));
}

class EndpointSliceRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(EndpointSliceRefusalTest, IsRefused) {
  expect_refused(kSlice, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, EndpointSliceRefusalTest,
    testing::Values(
        Refusal{"OfUnknownAddressType", "/addressType", R"("IP")", "addressType",
                "\"IPv4\", \"IPv6\" and \"FQDN\""},
        Refusal{"WithTooManyEndpoints", "/endpoints",
                repeat(1001, R"({"addresses": ["10.0.0.1"]})"), "endpoints", "found 1001 items"},
        Refusal{"WithEndpointWithoutAddresses", "/endpoints/0/addresses", "",
                "endpoints[0].addresses", "missing"},
        Refusal{"WithEmptyAddresses", "/endpoints/0/addresses", "[]", "endpoints[0].addresses",
                "found 0 items; valid are 1 to 100"},
        Refusal{"WithTooManyAddresses", "/endpoints/0/addresses", repeat(101, R"("10.0.0.#")"),
                "endpoints[0].addresses", "found 101 items"},
        Refusal{"WithAddressOfTheOtherFamily", "/endpoints/0/addresses/1", R"("::1")",
                "endpoints[0].addresses[1]", "valid is an IPv4 address"},
        Refusal{"WithUnspecifiedAddress", "/endpoints/0/addresses/1", R"("0.0.0.0")",
                "endpoints[0].addresses[1]", "found \"0.0.0.0\""},
        Refusal{"WithMulticastAddress", "/endpoints/0/addresses/1", R"("224.0.0.1")",
                "endpoints[0].addresses[1]", "found \"224.0.0.1\""},
        Refusal{"WithConditionThatIsNoFlag", "/endpoints/1/conditions/ready", R"("yes")",
                "endpoints[1].conditions.ready", "valid are true and false"},
        Refusal{"WithPortNameTwice", "/ports/1/name", R"("http")", "ports[1]",
                "found \"http\" again"},
        Refusal{"WithTwoPortsWithoutName", "/ports", R"([{"port": 1}, {"port": 2}])", "ports",
                "found 2 ports without a name"},
        Refusal{"WithBadPort", "/ports/0/port", "0", "ports[0].port", "valid are 1 to 65535"},
        Refusal{"WithBadPortName", "/ports/0/name", R"("-")", "ports[0].name", "found \"-\""},
        Refusal{"WithUnknownProtocol", "/ports/0/protocol", R"("tcp")", "ports[0].protocol",
                "\"TCP\""}),
    name_of);

TEST(EndpointSliceDecodeTest, MissingAddressTypeIsRefused) {
  EXPECT_THAT(refused_fields(decode_json(with(kSlice, "/addressType", ""))),
              testing::Contains("addressType"));
}

TEST(BackendDecodeTest, AddressesAndPathsAreKept) {
  const auto backend = decode_as<Backend>(nlohmann::json::parse(kBackend));
  EXPECT_EQ(backend.endpoints,
            (std::vector<BackendEndpoint>{
                {"10.0.0.1", 80, ""}, {"::1", 81, ""}, {"", 0, "/run/web.sock"}}));
}

TEST(BackendDecodeTest, ANameWithAPortIsAnEndpoint) {
  auto json = nlohmann::json::parse(kBackend);
  json["spec"]["endpoints"] = {{{"hostname", "api.example.com"}, {"port", 443}},
                               {{"hostname", "db"}, {"port", 80}}};
  EXPECT_EQ(decode_as<Backend>(json).endpoints,
            (std::vector<BackendEndpoint>{{"", 443, "", "api.example.com"}, {"", 80, "", "db"}}));
}

class BackendHostnameTest : public testing::TestWithParam<Refusal> {};

TEST_P(BackendHostnameTest, IsRefused) {
  expect_refused(kNamedBackend, GetParam());
}

const std::string kHostname = "/spec/endpoints/0/hostname";

INSTANTIATE_TEST_SUITE_P(
    Name, BackendHostnameTest,
    testing::Values(
        Refusal{"Empty", kHostname, R"("")", "spec.endpoints[0].hostname", "valid are 1 to 253"},
        Refusal{"ThatIsAnAddress", kHostname, R"("10.0.0.1")", "spec.endpoints[0].hostname",
                "no IP address"},
        Refusal{"ThatIsAnIpv6Address", kHostname, R"("::1")", "spec.endpoints[0].hostname",
                "no IP address"},
        Refusal{"WithWildcard", kHostname, R"("*.example.com")", "spec.endpoints[0].hostname",
                "no wildcard"},
        Refusal{"InUpperCase", kHostname, R"("API.example.com")", "spec.endpoints[0].hostname",
                "lower-case"},
        Refusal{"WithPort", kHostname, R"("api.example.com:80")", "spec.endpoints[0].hostname",
                "DNS name"},
        Refusal{"WithTrailingDot", kHostname, R"("api.example.com.")", "spec.endpoints[0].hostname",
                "DNS name"},
        Refusal{"WithTooLongLabel", kHostname, '"' + std::string(64, 'a') + R"(.example.com")",
                "spec.endpoints[0].hostname", "DNS name"},
        Refusal{"ThatIsANumber", kHostname, "7", "spec.endpoints[0].hostname",
                "found the number 7"},
        Refusal{"WithBadPort", "/spec/endpoints/0/port", "0", "spec.endpoints[0].port",
                "valid are 1 to 65535"}),
    name_of);

class BackendRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(BackendRefusalTest, IsRefused) {
  expect_refused(kBackend, GetParam());
}

const std::string kEndpoint = "/spec/endpoints/0";

INSTANTIATE_TEST_SUITE_P(
    Endpoint, BackendRefusalTest,
    testing::Values(
        Refusal{"ListMissing", "/spec/endpoints", "", "spec.endpoints", "missing"},
        Refusal{"ListEmpty", "/spec/endpoints", "[]", "spec.endpoints",
                "found 0 items; valid are 1 to 1000"},
        Refusal{"Empty", kEndpoint, "{}", "spec.endpoints[0]", "found neither"},
        Refusal{"WithoutPort", kEndpoint + "/port", "", "spec.endpoints[0].port", "missing"},
        Refusal{"WithPortAlone", kEndpoint + "/address", "", "spec.endpoints[0]",
                "found port without address or hostname"},
        Refusal{"WithHostnameAndAddress", kEndpoint, R"({"hostname": "example.com", "port": 80,
                                                         "address": "10.0.0.1"})",
                "spec.endpoints[0]", "found both address and hostname"},
        Refusal{"WithHostnameAlone", kEndpoint, R"({"hostname": "example.com"})",
                "spec.endpoints[0].port", "missing, but required beside hostname"},
        Refusal{"WithHostnameAndPath", kEndpoint,
                R"({"hostname": "example.com", "port": 80, "unixPath": "/a"})", "spec.endpoints[0]",
                "found unixPath beside address, hostname or port"},
        Refusal{"WithNameAsAddress", kEndpoint + "/address", R"("localhost")",
                "spec.endpoints[0].address", "a name goes into hostname"},
        Refusal{"WithBadPort", kEndpoint + "/port", "65536", "spec.endpoints[0].port",
                "valid are 1 to 65535"},
        Refusal{"WithPathAndAddress", kEndpoint + "/unixPath", R"("/a")", "spec.endpoints[0]",
                "found unixPath beside address, hostname or port"},
        Refusal{"WithRelativePath", "/spec/endpoints/2/unixPath", R"("run/web.sock")",
                "spec.endpoints[2].unixPath", "valid is an absolute path"},
        Refusal{"WithTooLongPath", "/spec/endpoints/2/unixPath", '"' + std::string(108, '/') + '"',
                "spec.endpoints[2].unixPath", "valid are 1 to 107"}),
    name_of);

}  // namespace
}  // namespace sluice::model
