#include <fmt/format.h>

#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kTls = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "TLSRoute", "metadata": {"name": "t"},
  "spec": {
    "parentRefs": [{"name": "gw", "sectionName": "tls", "port": 443}],
    "hostnames": ["a.example.com", "*.example.com"],
    "rules": [{"name": "first",
               "backendRefs": [{"name": "t", "port": 443, "weight": 3},
                               {"group": "sluice.dev", "kind": "Backend", "name": "b"}]}]}})";

constexpr std::string_view kTcp = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "TCPRoute", "metadata": {"name": "t"},
  "spec": {"parentRefs": [{"name": "gw"}],
           "rules": [{"backendRefs": [{"name": "t", "port": 22}]}]}})";

const std::string kRule = "/spec/rules/0";
const std::string kRef = "/spec/rules/0/backendRefs/0";

TEST(StreamRouteDecodeTest, EveryFieldIsKept) {
  const auto route = decode_as<TlsRoute>(nlohmann::json::parse(kTls));
  EXPECT_EQ(route.meta.name, (ObjectName{"default", "t"}));
  ASSERT_EQ(route.parent_refs.size(), 1U);
  EXPECT_EQ(route.parent_refs[0].section_name, "tls");
  EXPECT_EQ(route.parent_refs[0].port, 443);
  EXPECT_THAT(route.hostnames, ElementsAre("a.example.com", "*.example.com"));
  ASSERT_EQ(route.rules.size(), 1U);
  EXPECT_EQ(route.rules[0].name, "first");
  const BackendRef service{"", "Service", "t", std::nullopt, 443, 3};
  const BackendRef backend{"sluice.dev", "Backend", "b", std::nullopt, std::nullopt, 1};
  EXPECT_EQ(route.rules[0].backend_refs, (std::vector<HttpBackendRef>{{service}, {backend}}));
}

TEST(StreamRouteDecodeTest, TcpAndUdpRoutesHaveNoHostnames) {
  EXPECT_THAT(decode_as<TcpRoute>(nlohmann::json::parse(kTcp)).hostnames, IsEmpty());
  EXPECT_THAT(decode_as<UdpRoute>(with(kTcp, "/kind", R"("UDPRoute")")).hostnames, IsEmpty());
  const Decoded decoded = decode_json(with(kTcp, "/spec/hostnames", R"(["a.example.com"])"));
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.hostnames"));
}

TEST(StreamRouteDecodeTest, AlphaVersionsAreReadAsWell) {
  const std::string group = "\"gateway.networking.k8s.io/";
  expect_accepted(kTls, {"", "/apiVersion", group + "v1alpha3\""});
  expect_accepted(kTls, {"", "/apiVersion", group + "v1alpha2\""});
  expect_accepted(kTcp, {"", "/apiVersion", group + "v1alpha2\""});
  const Decoded decoded = decode_json(with(kTcp, "/apiVersion", group + "v1alpha3\""));
  EXPECT_FALSE(decoded.known) << "no CRD of TCPRoutes has it";
}

TEST(StreamRouteDecodeTest, FiltersAndMatchesAreUnknown) {
  for (const std::string field : {"matches", "filters", "timeouts"}) {
    const Decoded decoded = decode_json(with(kTcp, fmt::format("{}/{}", kRule, field), "[]"));
    EXPECT_NE(decoded.object, nullptr) << describe(decoded);
    EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.rules[0]." + field));
  }
}

TEST(StreamRouteDecodeTest, AThousandHostnamesAreFine) {
  expect_accepted(kTls, {"", "/spec/hostnames", repeat(1024, "\"h#.example.com\"")});
}

class TlsRouteRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(TlsRouteRefusalTest, IsRefused) {
  expect_refused(kTls, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Hostnames, TlsRouteRefusalTest,
    testing::Values(Refusal{"Without", "/spec/hostnames", "", "spec.hostnames", "missing"},
                    Refusal{"WithNone", "/spec/hostnames", "[]", "spec.hostnames", "1"},
                    Refusal{"WithTooMany", "/spec/hostnames", repeat(1025, "\"h#.example.com\""),
                            "spec.hostnames", "1024"},
                    Refusal{"WithAnAddress", "/spec/hostnames/0", R"("10.0.0.1")",
                            "spec.hostnames[0]", "no IP address"},
                    Refusal{"WithAWildcardInside", "/spec/hostnames/0", R"("a.*.com")",
                            "spec.hostnames[0]", "found"}),
    name_of);

class TcpRouteRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(TcpRouteRefusalTest, IsRefused) {
  expect_refused(kTcp, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Rules, TcpRouteRefusalTest,
    testing::Values(
        Refusal{"WithoutRules", "/spec/rules", "", "spec.rules", "missing"},
        Refusal{"WithNoRule", "/spec/rules", "[]", "spec.rules", "1"},
        Refusal{"WithTwoRules", "/spec/rules",
                repeat(2, R"({"backendRefs": [{"name": "t#", "port": 1}]})"), "spec.rules", "1"},
        Refusal{"WithoutBackends", kRule + "/backendRefs", "", "spec.rules[0].backendRefs",
                "missing"},
        Refusal{"WithNoBackend", kRule + "/backendRefs", "[]", "spec.rules[0].backendRefs", "1"},
        Refusal{"WithTooManyBackends", kRule + "/backendRefs",
                repeat(17, R"({"name": "t#", "port": 1})"), "spec.rules[0].backendRefs", "16"},
        Refusal{"WithoutPort", kRef + "/port", "", "spec.rules[0].backendRefs[0]",
                "port is missing"},
        Refusal{"WithTooMuchWeight", kRef + "/weight", "1000001",
                "spec.rules[0].backendRefs[0].weight", "1000000"},
        Refusal{"WithUpperCaseName", kRule + "/name", R"("First")", "spec.rules[0].name",
                "\"First\""},
        Refusal{"WithTwoParentsOfOneName", "/spec/parentRefs",
                R"([{"name": "gw"}, {"name": "gw", "port": 1}])", "spec.parentRefs",
                "same parent"}),
    name_of);

}  // namespace
}  // namespace sluice::model
