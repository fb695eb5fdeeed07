#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kGateway = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"},
  "spec": {
    "gatewayClassName": "sluice",
    "listeners": [
      {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com",
       "allowedRoutes": {"namespaces": {"from": "Same"}, "kinds": [{"kind": "HTTPRoute"}]}},
      {"name": "https", "port": 443, "protocol": "HTTPS",
       "tls": {"certificateRefs": [{"name": "cert"}]}}],
    "addresses": [{"value": "10.0.0.1"}],
    "infrastructure": {"labels": {"a": "b"}, "annotations": {"c": "d"},
                       "parametersRef": {"group": "sluice.dev", "kind": "GatewayParameters",
                                         "name": "p"}},
    "tls": {"frontend": {"default": {"validation": {"caCertificateRefs": [
              {"group": "", "kind": "ConfigMap", "name": "ca"}]}},
              "perPort": [{"port": 443, "tls": {}}]},
            "backend": {"clientCertificateRef": {"name": "client"}}}}})";

TEST(GatewayDecodeTest, DefaultsOfTheCrdAreApplied) {
  const auto gateway =
      decode_as<Gateway>(with(kGateway, "/spec/addresses/0", R"({"value": "::1"})"));
  ASSERT_EQ(gateway.listeners.size(), 2U);
  const Listener& http = gateway.listeners[0];
  EXPECT_EQ(http.allowed_routes.kinds,
            (std::vector<RouteGroupKind>{{"gateway.networking.k8s.io", "HTTPRoute"}}));
  const Listener& https = gateway.listeners[1];
  EXPECT_EQ(https.hostname, std::nullopt);
  EXPECT_EQ(https.allowed_routes.from, FromNamespaces::kSame);
  EXPECT_THAT(https.allowed_routes.kinds, IsEmpty());
  ASSERT_TRUE(https.tls);
  EXPECT_EQ(https.tls->mode, "Terminate");
  EXPECT_EQ(https.tls->certificate_refs,
            (std::vector<ObjectRef>{{"", "Secret", "cert", std::nullopt}}));
  EXPECT_EQ(gateway.addresses, (std::vector<GatewayAddress>{{"IPAddress", "::1"}}));
}

TEST(GatewayDecodeTest, WrittenFieldsAreKept) {
  const auto gateway = decode_as<Gateway>(nlohmann::json::parse(kGateway));
  EXPECT_EQ(gateway.class_name, "sluice");
  EXPECT_EQ(gateway.listeners[0].name, "http");
  EXPECT_EQ(gateway.listeners[0].hostname, "*.example.com");
  EXPECT_EQ(gateway.listeners[0].port, 80);
  EXPECT_EQ(gateway.listeners[0].protocol, "HTTP");
  EXPECT_EQ(gateway.parameters_ref,
            (ParametersRef{"sluice.dev", "GatewayParameters", "p", std::nullopt}));
}

TEST(GatewayDecodeTest, ListenerSetsAreAllowedWhereTheGatewaySaysSo) {
  const auto from = [](const char* allowed) {
    return decode_as<Gateway>(with(kGateway, "/spec/allowedListeners", allowed))
        .allowed_listeners.from;
  };
  EXPECT_EQ(decode_as<Gateway>(nlohmann::json::parse(kGateway)).allowed_listeners.from,
            FromNamespaces::kNone);
  EXPECT_EQ(from("{}"), FromNamespaces::kNone);
  EXPECT_EQ(from(R"({"namespaces": {}})"), FromNamespaces::kNone);
  EXPECT_EQ(from(R"({"namespaces": null})"), FromNamespaces::kNone);
  EXPECT_EQ(from(R"({"namespaces": {"from": "None"}})"), FromNamespaces::kNone);
  EXPECT_EQ(from(R"({"namespaces": {"from": "Same"}})"), FromNamespaces::kSame);
  EXPECT_EQ(from(R"({"namespaces": {"from": "All"}})"), FromNamespaces::kAll);
  EXPECT_EQ(from(R"({"namespaces": {"from": "Selector", "selector": {}}})"),
            FromNamespaces::kSelector);
}

TEST(GatewayDecodeTest, AMissingSelectorAllowsNoListenerSetWithAWarning) {
  const Decoded decoded = decode_json(
      with(kGateway, "/spec/allowedListeners", R"({"namespaces": {"from": "Selector"}})"));
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(std::get<Gateway>(*decoded.object).allowed_listeners.from, FromNamespaces::kNone);
  EXPECT_THAT(warned_fields(decoded), ElementsAre("spec.allowedListeners.namespaces.selector"));
}

TEST(GatewayDecodeTest, ValidationOfClientsIsReadForAllPortsAndForEach) {
  const auto gateway = decode_as<Gateway>(with(kGateway, "/spec/tls/frontend", R"({
      "default": {"validation": {"caCertificateRefs": [
        {"group": "", "kind": "ConfigMap", "name": "ca"},
        {"group": "a.b", "kind": "Other", "name": "more", "namespace": "vault"}]}},
      "perPort": [
        {"port": 8443, "tls": {"validation": {"mode": "AllowInsecureFallback",
          "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "own"}]}}},
        {"port": 9443, "tls": {}}]})"));
  const FrontendTls& frontend = gateway.frontend_tls;
  ASSERT_TRUE(frontend.fallback);
  EXPECT_EQ(
      *frontend.fallback,
      (ClientValidation{{{"", "ConfigMap", "ca", std::nullopt}, {"a.b", "Other", "more", "vault"}},
                        false}));
  const ClientValidation own{{{"", "ConfigMap", "own", std::nullopt}}, true};
  EXPECT_EQ(frontend.of_port, (decltype(frontend.of_port){{8443, own}, {9443, std::nullopt}}));
}

TEST(GatewayDecodeTest, TheReferenceToAClientCertificateHasDefaults) {
  EXPECT_EQ(decode_as<Gateway>(nlohmann::json::parse(kGateway)).client_certificate_ref,
            (ObjectRef{"", "Secret", "client", std::nullopt}));
  const auto without = decode_as<Gateway>(with(kGateway, "/spec/tls/backend", "{}"));
  EXPECT_EQ(without.client_certificate_ref, std::nullopt);
}

TEST(GatewayDecodeTest, SelectorOfNamespacesIsKept) {
  const auto gateway = decode_as<Gateway>(with(kGateway, "/spec/listeners/0/allowedRoutes", R"({
      "namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "a"},
        "matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}}})"));
  const AllowedRoutes& allowed = gateway.listeners[0].allowed_routes;
  EXPECT_EQ(allowed.from, FromNamespaces::kSelector);
  EXPECT_TRUE(allowed.selector.matches({{"team", "a"}, {"env", "prod"}}));
  EXPECT_FALSE(allowed.selector.matches({{"team", "a"}}));
}

TEST(GatewayDecodeTest, MissingSelectorSelectsNothingWithAWarning) {
  const Decoded decoded = decode_json(
      with(kGateway, "/spec/listeners/0/allowedRoutes/namespaces", R"({"from": "Selector"})"));
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(std::get<Gateway>(*decoded.object).listeners[0].allowed_routes.from,
            FromNamespaces::kNone);
  EXPECT_THAT(warned_fields(decoded),
              ElementsAre("spec.listeners[0].allowedRoutes.namespaces.selector"));
}

TEST(GatewayDecodeTest, SelectorThatCannotBeEvaluatedIsAWarning) {
  const Decoded decoded =
      decode_json(with(kGateway, "/spec/listeners/0/allowedRoutes/namespaces", R"({
        "from": "Selector", "selector": {"matchExpressions": [
          {"key": "env", "operator": "Inn", "values": ["a"]},
          {"key": "env", "operator": "In"}, {"key": "env", "operator": "Exists", "values": ["a"]}
        ]}})"));
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  const std::string selector = "spec.listeners[0].allowedRoutes.namespaces.selector";
  EXPECT_THAT(warned_fields(decoded), ElementsAre(selector + ".matchExpressions[0].operator",
                                                  selector + ".matchExpressions[1].values",
                                                  selector + ".matchExpressions[2].values"));
}

class GatewayAcceptanceTest : public testing::TestWithParam<Acceptance> {};

TEST_P(GatewayAcceptanceTest, IsAccepted) {
  expect_accepted(kGateway, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Crd, GatewayAcceptanceTest,
    testing::Values(
        Acceptance{"ProtocolThatNobodyKnows", "/spec/listeners/0/protocol", R"("INVALID")"},
        Acceptance{"ProtocolWithADomain", "/spec/listeners/0/protocol", R"("example.com/bar")"},
        Acceptance{"SamePortAndHostnameWithAnotherProtocol", "/spec/listeners/1",
                   R"({"name": "b", "port": 80, "protocol": "TLS", "hostname": "*.example.com",
                       "tls": {"mode": "Passthrough"}})"},
        Acceptance{"TlsOptionsInsteadOfCertificates", "/spec/listeners/1/tls",
                   R"({"options": {"example.com/acme": "on"}})"},
        Acceptance{"NullWhereTheCrdHasADefault", "/spec/listeners/0/allowedRoutes", "null"},
        Acceptance{"PortWrittenAsAWholeFloat", "/spec/listeners/0/port", "80.0"},
        Acceptance{"AddressWithoutAValue", "/spec/addresses", R"([{"type": "IPAddress"}])"},
        Acceptance{"AddressOfAnotherType", "/spec/addresses",
                   R"([{"type": "example.com/pool", "value": "a"},
                       {"type": "example.com/pool", "value": "a"}])"},
        Acceptance{"UnknownRouteKind", "/spec/listeners/0/allowedRoutes/kinds",
                   R"([{"group": "", "kind": "InvalidRoute"}])"}),
    accepted_name_of);

class GatewayRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(GatewayRefusalTest, IsRefused) {
  expect_refused(kGateway, GetParam());
}

const std::string kListener0 = "/spec/listeners/0";
const std::string kTls1 = "/spec/listeners/1/tls";
const std::string kFrontend = "/spec/tls/frontend";

INSTANTIATE_TEST_SUITE_P(
    Spec, GatewayRefusalTest,
    testing::Values(
        Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
        Refusal{"WithSpecThatIsAList", "/spec", "[]", "spec", "valid is a mapping"},
        Refusal{"WithoutClass", "/spec/gatewayClassName", "", "spec.gatewayClassName", "missing"},
        Refusal{"WithEmptyClass", "/spec/gatewayClassName", R"("")", "spec.gatewayClassName",
                "found 0 characters; valid are 1 to 253"},
        Refusal{"WithTooLongClass", "/spec/gatewayClassName", quoted(254), "spec.gatewayClassName",
                "found 254 characters"},
        Refusal{"WithoutListeners", "/spec/listeners", "", "spec.listeners", "missing"},
        Refusal{"WithEmptyListeners", "/spec/listeners", "[]", "spec.listeners",
                "found 0 items; valid are 1 to 64"},
        Refusal{"WithTooManyListeners", "/spec/listeners",
                repeat(65, R"({"name": "l#", "port": 80, "protocol": "HTTP", "hostname": "h#"})"),
                "spec.listeners", "found 65 items"},
        Refusal{"WithTooManyAddresses", "/spec/addresses", repeat(17, R"({"value": "10.0.0.#"})"),
                "spec.addresses", "found 17 items; valid are 0 to 16"},
        Refusal{"WithNullAddresses", "/spec/addresses", "null", "spec.addresses", "found null"},
        Refusal{"WithAddressThatIsNoIp", "/spec/addresses/0/value", R"("localhost")",
                "spec.addresses[0].value", "valid is an IPv4 or IPv6 address"},
        Refusal{"WithAddressOfUnknownType", "/spec/addresses/0", R"({"type": "Bad"})",
                "spec.addresses[0].type", "\"Hostname\""},
        Refusal{"WithHostnameAddressThatIsNone", "/spec/addresses/0",
                R"({"type": "Hostname", "value": "Exa_mple"})", "spec.addresses[0]",
                "found the hostname"},
        Refusal{"WithTooLongAddress", "/spec/addresses/0",
                R"({"type": "NamedAddress", "value": )" + quoted(254) + "}",
                "spec.addresses[0].value", "found 254 characters"},
        Refusal{"WithIpAddressTwice", "/spec/addresses",
                R"([{"value": "10.0.0.1"}, {"value": "10.0.0.1"}])", "spec.addresses",
                "IPAddress values must be unique"},
        Refusal{"WithHostnameAddressTwice", "/spec/addresses",
                R"([{"type": "Hostname", "value": "a"}, {"type": "Hostname", "value": "a"}])",
                "spec.addresses", "Hostname values must be unique"},
        Refusal{"WithAllowedListenersFromNowhere", "/spec/allowedListeners",
                R"({"namespaces": {"from": "Some"}})", "spec.allowedListeners.namespaces.from",
                "\"None\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Infrastructure, GatewayRefusalTest,
    testing::Values(
        Refusal{"WithTooManyLabels", "/spec/infrastructure/labels",
                R"({"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":""})",
                "spec.infrastructure.labels", "found 9 items; valid are at most 8"},
        Refusal{"WithBadLabelKey", "/spec/infrastructure/labels", R"({"-a": ""})",
                "spec.infrastructure.labels", "key: found \"-a\""},
        Refusal{"WithBadLabelValue", "/spec/infrastructure/labels", R"({"a": "b c"})",
                "spec.infrastructure.labels[a]", "found \"b c\""},
        Refusal{"WithBadAnnotationKey", "/spec/infrastructure/annotations", R"({"a/b/c": ""})",
                "spec.infrastructure.annotations", "key: found"},
        Refusal{"WithTooLongAnnotation", "/spec/infrastructure/annotations/c", quoted(4097),
                "spec.infrastructure.annotations[c]", "found 4097 characters"},
        Refusal{"WithParametersWithoutGroup", "/spec/infrastructure/parametersRef/group", "",
                "spec.infrastructure.parametersRef.group", "missing"},
        Refusal{"WithParametersWithoutKind", "/spec/infrastructure/parametersRef/kind", "",
                "spec.infrastructure.parametersRef.kind", "missing"},
        Refusal{"WithParametersWithoutName", "/spec/infrastructure/parametersRef/name", "",
                "spec.infrastructure.parametersRef.name", "missing"},
        Refusal{"WithParametersOfBadGroup", "/spec/infrastructure/parametersRef/group",
                R"("Sluice")", "spec.infrastructure.parametersRef.group", "valid is an API group"},
        Refusal{"WithParametersOfBadKind", "/spec/infrastructure/parametersRef/kind", R"("1Kind")",
                "spec.infrastructure.parametersRef.kind", "found \"1Kind\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Listener, GatewayRefusalTest,
    testing::Values(
        Refusal{"WithoutName", kListener0 + "/name", "", "spec.listeners[0].name", "missing"},
        Refusal{"WithBadName", kListener0 + "/name", R"("bad>name")", "spec.listeners[0].name",
                "found \"bad>name\""},
        Refusal{"WithUsedName", "/spec/listeners/1/name", R"("http")", "spec.listeners[1]",
                "found \"http\" again, it is listeners[0] too"},
        Refusal{"WithoutPort", kListener0 + "/port", "", "spec.listeners[0].port", "missing"},
        Refusal{"WithPortZero", kListener0 + "/port", "0", "spec.listeners[0].port",
                "found the number 0; valid are 1 to 65535"},
        Refusal{"WithTooLargePort", kListener0 + "/port", "65536", "spec.listeners[0].port",
                "valid are 1 to 65535"},
        Refusal{"WithPortAsText", kListener0 + "/port", R"("80")", "spec.listeners[0].port",
                "found the text \"80\""},
        Refusal{"WithBrokenPort", kListener0 + "/port", "80.5", "spec.listeners[0].port",
                "found the number 80.5"},
        Refusal{"WithoutProtocol", kListener0 + "/protocol", "", "spec.listeners[0].protocol",
                "missing"},
        Refusal{"WithBadProtocol", kListener0 + "/protocol", R"("H TTP")",
                "spec.listeners[0].protocol", "found \"H TTP\""},
        Refusal{"WithUpperCaseHostname", kListener0 + "/hostname", R"("Example.com")",
                "spec.listeners[0].hostname", "valid is a lower-case DNS name"},
        Refusal{"WithEmptyHostname", kListener0 + "/hostname", R"("")",
                "spec.listeners[0].hostname", "found 0 characters"},
        Refusal{"WithStarInsideTheHostname", kListener0 + "/hostname", R"("a.*.com")",
                "spec.listeners[0].hostname", "found \"a.*.com\""},
        Refusal{"WithHostnameThatIsAnAddress", kListener0 + "/hostname", R"("10.0.0.1")",
                "spec.listeners[0].hostname", "no IP address"},
        Refusal{"WithTooLongHostname", kListener0 + "/hostname", quoted(254),
                "spec.listeners[0].hostname", "found 254 characters"},
        Refusal{"WithNullHostname", kListener0 + "/hostname", "null", "spec.listeners[0].hostname",
                "found null; valid is text"},
        Refusal{"WithTheIdentityOfAnother", "/spec/listeners/1",
                R"({"name": "b", "port": 80, "protocol": "HTTP", "hostname": "*.example.com"})",
                "spec.listeners", "listeners[0] and listeners[1] have the same port"},
        Refusal{"WithTheIdentityOfAnotherWithoutHostname", "/spec/listeners",
                R"([{"name": "a", "port": 80, "protocol": "HTTP"},
                    {"name": "b", "port": 80, "protocol": "HTTP"}])",
                "spec.listeners", "same port"},
        Refusal{"WithHostnameForTcp", kListener0 + "/protocol", R"("TCP")", "spec.listeners",
                "hostname must not be specified for protocol TCP"},
        Refusal{"WithHostnameForUdp", kListener0 + "/protocol", R"("UDP")", "spec.listeners",
                "hostname must not be specified for protocol UDP"},
        Refusal{"FromUnknownNamespaces", kListener0 + "/allowedRoutes/namespaces/from", R"("None")",
                "spec.listeners[0].allowedRoutes.namespaces.from",
                "valid are \"All\", \"Selector\" and \"Same\""},
        Refusal{"WithTooManyKinds", kListener0 + "/allowedRoutes/kinds",
                repeat(9, R"({"kind": "K#"})"), "spec.listeners[0].allowedRoutes.kinds",
                "found 9 items; valid are 0 to 8"},
        Refusal{"WithKindWithoutName", kListener0 + "/allowedRoutes/kinds", "[{}]",
                "spec.listeners[0].allowedRoutes.kinds[0].kind", "missing"},
        Refusal{"WithKindOfBadGroup", kListener0 + "/allowedRoutes/kinds",
                R"([{"group": "*", "kind": "K"}])",
                "spec.listeners[0].allowedRoutes.kinds[0].group", "found \"*\""},
        Refusal{"WithExpressionWithoutKey", kListener0 + "/allowedRoutes/namespaces/selector",
                R"({"matchExpressions": [{"operator": "Exists"}]})",
                "spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions[0].key",
                "missing"},
        Refusal{"WithExpressionWithoutOperator", kListener0 + "/allowedRoutes/namespaces/selector",
                R"({"matchExpressions": [{"key": "a"}]})",
                "spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions[0].operator",
                "missing"},
        Refusal{"WithLabelThatIsNoText", kListener0 + "/allowedRoutes/namespaces/selector",
                R"({"matchLabels": {"a": 1}})",
                "spec.listeners[0].allowedRoutes.namespaces.selector.matchLabels[a]",
                "found a number"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    ListenerTls, GatewayRefusalTest,
    testing::Values(
        Refusal{"ForHttp", kListener0 + "/tls", R"({"certificateRefs": [{"name": "c"}]})",
                "spec.listeners", "tls must not be specified for protocol HTTP"},
        Refusal{"ForTcp", "/spec/listeners/1/protocol", R"("TCP")", "spec.listeners",
                "tls must not be specified for protocol TCP"},
        Refusal{"ForUdp", "/spec/listeners/1/protocol", R"("UDP")", "spec.listeners",
                "tls must not be specified for protocol UDP"},
        Refusal{"OfUnknownMode", kTls1 + "/mode", R"("Both")", "spec.listeners[1].tls.mode",
                "valid are \"Terminate\" and \"Passthrough\""},
        Refusal{"PassthroughForHttps", kTls1 + "/mode", R"("Passthrough")", "spec.listeners",
                "valid is Terminate"},
        Refusal{"MissingForTls", "/spec/listeners/1",
                R"({"name": "b", "port": 443, "protocol": "TLS"})", "spec.listeners",
                "must be set for protocol TLS"},
        Refusal{"TerminatedWithoutCertificates", kTls1, "{}", "spec.listeners[1].tls",
                "needs certificateRefs or options"},
        Refusal{"WithTooManyCertificates", kTls1,
                R"({"options": {"a": "b"}, "certificateRefs": )" + repeat(65, R"({"name": "c#"})") +
                    "}",
                "spec.listeners[1].tls.certificateRefs", "found 65 items"},
        Refusal{"WithCertificateWithoutName", kTls1 + "/certificateRefs", "[{}]",
                "spec.listeners[1].tls.certificateRefs[0].name", "missing"},
        Refusal{"WithCertificateInBadNamespace", kTls1 + "/certificateRefs/0/namespace", R"("a.b")",
                "spec.listeners[1].tls.certificateRefs[0].namespace", "found \"a.b\""},
        Refusal{"WithTooManyOptions", kTls1 + "/options",
                R"({"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":"",
                    "l":"","m":"","n":"","o":"","p":"","q":""})",
                "spec.listeners[1].tls.options", "found 17 items; valid are at most 16"},
        Refusal{"WithOptionThatIsNoText", kTls1 + "/options", R"({"a": true})",
                "spec.listeners[1].tls.options[a]", "found a boolean"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    GatewayTls, GatewayRefusalTest,
    testing::Values(
        Refusal{"WithoutFrontendDefault", kFrontend + "/default", "", "spec.tls.frontend.default",
                "missing"},
        Refusal{"WithoutCaCertificates", kFrontend + "/default/validation/caCertificateRefs", "",
                "spec.tls.frontend.default.validation.caCertificateRefs", "missing"},
        Refusal{"WithEmptyCaCertificates", kFrontend + "/default/validation/caCertificateRefs",
                "[]", "spec.tls.frontend.default.validation.caCertificateRefs",
                "found 0 items; valid are 1 to 16"},
        Refusal{"WithCaCertificateWithoutKind",
                kFrontend + "/default/validation/caCertificateRefs/0/kind", "",
                "spec.tls.frontend.default.validation.caCertificateRefs[0].kind", "missing"},
        Refusal{"OfUnknownValidationMode", kFrontend + "/default/validation/mode", R"("Maybe")",
                "spec.tls.frontend.default.validation.mode", "\"AllowInsecureFallback\""},
        Refusal{"WithTheSamePortTwice", kFrontend + "/perPort",
                R"([{"port": 443, "tls": {}}, {"port": 443, "tls": {}}])",
                "spec.tls.frontend.perPort[1]", "found \"443\" again"},
        Refusal{"WithPortWithoutTls", kFrontend + "/perPort", R"([{"port": 443}])",
                "spec.tls.frontend.perPort[0].tls", "missing"},
        Refusal{"WithoutClientCertificateName", "/spec/tls/backend/clientCertificateRef/name", "",
                "spec.tls.backend.clientCertificateRef.name", "missing"}),
    name_of);

}  // namespace
}  // namespace sluice::model
