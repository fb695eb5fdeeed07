#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

constexpr std::string_view kClass = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
  "metadata": {"name": "sluice"},
  "spec": {"controllerName": "sluice.dev/gateway-controller", "description": "ours",
           "parametersRef": {"group": "sluice.dev", "kind": "P", "name": "p", "namespace": "n"}}})";

constexpr std::string_view kGrant = R"({
  "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
  "metadata": {"name": "grant", "namespace": "n"},
  "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute",
                     "namespace": "web"}],
           "to": [{"group": "", "kind": "Service"},
                  {"group": "", "kind": "Secret", "name": "s"}]}})";

TEST(GatewayClassDecodeTest, WrittenFieldsAreKept) {
  const auto gateway_class = decode_as<GatewayClass>(nlohmann::json::parse(kClass));
  EXPECT_EQ(gateway_class.controller_name, "sluice.dev/gateway-controller");
  EXPECT_EQ(gateway_class.parameters_ref, (ParametersRef{"sluice.dev", "P", "p", "n"}));
  EXPECT_EQ(gateway_class.meta.name.text(), "sluice");
}

TEST(ReferenceGrantDecodeTest, WrittenFieldsAreKept) {
  const auto grant = decode_as<ReferenceGrant>(nlohmann::json::parse(kGrant));
  EXPECT_EQ(grant.from,
            (std::vector<GrantFrom>{{"gateway.networking.k8s.io", "HTTPRoute", "web"}}));
  EXPECT_EQ(grant.to, (std::vector<GrantTo>{{"", "Service", std::nullopt}, {"", "Secret", "s"}}));
}

class GatewayClassRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(GatewayClassRefusalTest, IsRefused) {
  expect_refused(kClass, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Crd, GatewayClassRefusalTest,
    testing::Values(Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
                    Refusal{"WithoutController", "/spec/controllerName", "", "spec.controllerName",
                            "missing"},
                    Refusal{"WithControllerWithoutPath", "/spec/controllerName", R"("sluice.dev")",
                            "spec.controllerName", "a domain and a path"},
                    Refusal{"WithTooLongController", "/spec/controllerName",
                            "\"a/" + std::string(252, 'b') + '"', "spec.controllerName",
                            "found 254 characters"},
                    Refusal{"WithTooLongDescription", "/spec/description", quoted(65),
                            "spec.description", "found 65 characters; valid are 0 to 64"},
                    Refusal{"WithParametersWithoutGroup", "/spec/parametersRef/group", "",
                            "spec.parametersRef.group", "missing"},
                    Refusal{"WithParametersWithoutKind", "/spec/parametersRef/kind", "",
                            "spec.parametersRef.kind", "missing"},
                    Refusal{"WithParametersWithoutName", "/spec/parametersRef/name", "",
                            "spec.parametersRef.name", "missing"},
                    Refusal{"WithParametersInBadNamespace", "/spec/parametersRef/namespace",
                            R"("")", "spec.parametersRef.namespace", "found 0 characters"}),
    name_of);

class ReferenceGrantRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(ReferenceGrantRefusalTest, IsRefused) {
  expect_refused(kGrant, GetParam());
}

const std::string kFromItem = R"({"group": "g", "kind": "K", "namespace": "n#"})";

INSTANTIATE_TEST_SUITE_P(
    Crd, ReferenceGrantRefusalTest,
    testing::Values(
        Refusal{"WithoutFrom", "/spec/from", "", "spec.from", "missing"},
        Refusal{"WithEmptyFrom", "/spec/from", "[]", "spec.from",
                "found 0 items; valid are 1 to 16"},
        Refusal{"WithTooManyFrom", "/spec/from", repeat(17, kFromItem), "spec.from",
                "found 17 items"},
        Refusal{"WithoutFromGroup", "/spec/from/0/group", "", "spec.from[0].group", "missing"},
        Refusal{"WithoutFromKind", "/spec/from/0/kind", "", "spec.from[0].kind", "missing"},
        Refusal{"WithoutFromNamespace", "/spec/from/0/namespace", "", "spec.from[0].namespace",
                "missing"},
        Refusal{"WithBadFromNamespace", "/spec/from/0/namespace", R"("*")",
                "spec.from[0].namespace", "found \"*\""},
        Refusal{"WithoutTo", "/spec/to", "", "spec.to", "missing"},
        Refusal{"WithEmptyTo", "/spec/to", "[]", "spec.to", "found 0 items"},
        Refusal{"WithTooManyTo", "/spec/to", repeat(17, R"({"group": "", "kind": "K#"})"),
                "spec.to", "found 17 items"},
        Refusal{"WithoutToGroup", "/spec/to/0/group", "", "spec.to[0].group", "missing"},
        Refusal{"WithoutToKind", "/spec/to/0/kind", "", "spec.to[0].kind", "missing"},
        Refusal{"WithBadToKind", "/spec/to/0/kind", R"("")", "spec.to[0].kind",
                "found 0 characters"},
        Refusal{"WithEmptyToName", "/spec/to/1/name", R"("")", "spec.to[1].name",
                "found 0 characters"}),
    name_of);

}  // namespace
}  // namespace sluice::model
