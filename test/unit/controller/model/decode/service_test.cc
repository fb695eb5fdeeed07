#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kService = R"({
  "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
  "spec": {"ports": [
    {"name": "http", "port": 80, "targetPort": "web", "appProtocol": "kubernetes.io/h2c"},
    {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353},
    {"name": "plain", "port": 81}]}})";

TEST(ServiceDecodeTest, PortsHaveTheirDefaults) {
  const auto service = decode_as<Service>(nlohmann::json::parse(kService));
  EXPECT_EQ(service.type, "ClusterIP");
  EXPECT_FALSE(service.headless);
  EXPECT_FALSE(service.has_selector);
  EXPECT_EQ(service.ports,
            (std::vector<ServicePort>{{"http", 80, "TCP", "kubernetes.io/h2c", "web"},
                                      {"dns", 53, "UDP", std::nullopt, "5353"},
                                      {"plain", 81, "TCP", std::nullopt, "81"}}));
}

TEST(ServiceDecodeTest, HeadlessServiceNeedsNoPorts) {
  const auto service = decode_as<Service>(with(kService, "/spec", R"({"clusterIP": "None"})"));
  EXPECT_TRUE(service.headless);
  EXPECT_THAT(service.ports, IsEmpty());
}

TEST(ServiceDecodeTest, ExternalNameServiceKeepsItsType) {
  const auto service = decode_as<Service>(
      with(kService, "/spec", R"({"type": "ExternalName", "externalName": "example.com"})"));
  EXPECT_EQ(service.type, "ExternalName");
}

TEST(ServiceDecodeTest, SelectorIsIgnoredWithAWarning) {
  const Decoded decoded = decode_json(with(kService, "/spec/selector", R"({"app": "web"})"));
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_TRUE(std::get<Service>(*decoded.object).has_selector);
  EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.selector"));
}

TEST(ServiceDecodeTest, NullIsTheSameAsAbsent) {
  const auto service = decode_as<Service>(with(kService, "/spec/ports/2",
                                               R"({"name": "plain", "port": 81, "targetPort": null,
                                                   "protocol": null, "appProtocol": null})"));
  EXPECT_EQ(service.ports[2], (ServicePort{"plain", 81, "TCP", std::nullopt, "81"}));
}

TEST(ServiceDecodeTest, FieldsOfAClusterAreKnown) {
  const Decoded decoded = decode_json(with(kService, "/spec", R"({
      "ports": [{"port": 80, "nodePort": 30080}], "clusterIP": "10.0.0.1", "clusterIPs": [],
      "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
      "sessionAffinity": "None", "type": "NodePort"})"));
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_THAT(decoded.warnings, IsEmpty()) << describe(decoded);
}

class ServiceRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(ServiceRefusalTest, IsRefused) {
  expect_refused(kService, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, ServiceRefusalTest,
    testing::Values(
        Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
        Refusal{"WithNameWithADot", "/metadata/name", R"("a.b")", "metadata.name", "found \"a.b\""},
        Refusal{"WithoutPorts", "/spec/ports", "", "spec.ports", "missing"},
        Refusal{"WithEmptyPorts", "/spec/ports", "[]", "spec.ports",
                "found 0 items; valid are at least 1"},
        Refusal{"OfUnknownType", "/spec/type", R"("Internal")", "spec.type",
                "\"LoadBalancer\" and \"ExternalName\""},
        Refusal{"OfTypeExternalNameWithoutName", "/spec/type", R"("ExternalName")",
                "spec.externalName", "missing"},
        Refusal{"WithoutPortNumber", "/spec/ports/0/port", "", "spec.ports[0].port", "missing"},
        Refusal{"WithPortZero", "/spec/ports/0/port", "0", "spec.ports[0].port",
                "valid are 1 to 65535"},
        Refusal{"WithBadPortName", "/spec/ports/0/name", R"("Http")", "spec.ports[0].name",
                "found \"Http\""},
        Refusal{"WithoutPortNameOfSeveral", "/spec/ports/0/name", "", "spec.ports[0]",
                "name is missing"},
        Refusal{"WithPortNameTwice", "/spec/ports/1/name", R"("http")", "spec.ports[1]",
                "found \"http\" again"},
        Refusal{"WithPortTwice", "/spec/ports/2/port", "80", "spec.ports[2]",
                "found \"80/TCP\" again"},
        Refusal{"WithUnknownProtocol", "/spec/ports/0/protocol", R"("HTTP")",
                "spec.ports[0].protocol", "\"TCP\", \"UDP\" and \"SCTP\""},
        Refusal{"WithTooLargeTargetPort", "/spec/ports/0/targetPort", "70000",
                "spec.ports[0].targetPort", "found the number 70000"},
        Refusal{"WithTargetPortInQuotes", "/spec/ports/0/targetPort", R"("8080")",
                "spec.ports[0].targetPort", "found \"8080\""},
        Refusal{"WithBadAppProtocol", "/spec/ports/0/appProtocol", R"("a b")",
                "spec.ports[0].appProtocol", "found \"a b\""},
        Refusal{"WithSelectorThatIsText", "/spec/selector", R"("app=web")", "spec.selector",
                "valid is a mapping"}),
    name_of);

}  // namespace
}  // namespace sluice::model
