#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

constexpr std::string_view kListenerSet = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet",
  "metadata": {"name": "extra", "namespace": "shop"},
  "spec": {
    "parentRef": {"name": "web", "namespace": "infra"},
    "listeners": [
      {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "shop.example.com"},
      {"name": "https", "port": 443, "protocol": "HTTPS",
       "tls": {"certificateRefs": [{"name": "cert"}]}}
    ]
  }
})";

TEST(ListenerSetDecodeTest, MissingFieldsGetTheCrdsDefaults) {
  const auto set = decode_as<ListenerSet>(nlohmann::json::parse(kListenerSet));
  EXPECT_EQ(set.parent, (ObjectRef{"gateway.networking.k8s.io", "Gateway", "web", "infra"}));
  ASSERT_EQ(set.listeners.size(), 2U);
  EXPECT_EQ(set.listeners[0].allowed_routes, AllowedRoutes{});
  ASSERT_TRUE(set.listeners[1].tls);
  EXPECT_EQ(set.listeners[1].tls->mode, "Terminate");
  EXPECT_EQ(set.listeners[1].tls->certificate_refs,
            (std::vector<ObjectRef>{{"", "Secret", "cert", std::nullopt}}));
}

TEST(ListenerSetDecodeTest, WrittenFieldsAreKept) {
  const auto set = decode_as<ListenerSet>(nlohmann::json::parse(kListenerSet));
  EXPECT_EQ(set.meta.name, (ObjectName{"shop", "extra"}));
  EXPECT_EQ(set.listeners[0].name, "http");
  EXPECT_EQ(set.listeners[0].hostname, "shop.example.com");
  EXPECT_EQ(set.listeners[0].port, 80);
}

class ListenerSetAcceptanceTest : public testing::TestWithParam<Acceptance> {};

TEST_P(ListenerSetAcceptanceTest, IsAccepted) {
  expect_accepted(kListenerSet, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Crd, ListenerSetAcceptanceTest,
    testing::Values(Acceptance{"ParentOfAnotherKind", "/spec/parentRef/kind", R"("Service")"},
                    Acceptance{"SamePortWithAnotherHostname", "/spec/listeners/1",
                               R"({"name": "b", "port": 80, "protocol": "HTTP"})"},
                    Acceptance{"StatusOfAnybody", "/status", R"({"conditions": []})"}),
    accepted_name_of);

class ListenerSetRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(ListenerSetRefusalTest, IsRefused) {
  expect_refused(kListenerSet, GetParam());
}

const std::string kParent = "/spec/parentRef";
const std::string kListener0 = "/spec/listeners/0";
const std::string kTls1 = "/spec/listeners/1/tls";

INSTANTIATE_TEST_SUITE_P(
    Crd, ListenerSetRefusalTest,
    testing::Values(
        Refusal{"WithoutSpec", "/spec", "", "spec", "missing"},
        Refusal{"WithoutParent", kParent, "", "spec.parentRef", "missing"},
        Refusal{"WithParentWithoutName", kParent + "/name", "", "spec.parentRef.name", "missing"},
        Refusal{"WithParentOfBadGroup", kParent + "/group", R"("A.b")", "spec.parentRef.group",
                "valid is an API group"},
        Refusal{"WithParentOfBadKind", kParent + "/kind", R"("")", "spec.parentRef.kind",
                "found 0 characters"},
        Refusal{"WithParentInBadNamespace", kParent + "/namespace", R"("a.b")",
                "spec.parentRef.namespace", "found \"a.b\""},
        Refusal{"WithoutListeners", "/spec/listeners", "", "spec.listeners", "missing"},
        Refusal{"WithEmptyListeners", "/spec/listeners", "[]", "spec.listeners",
                "found 0 items; valid are 1 to 64"},
        Refusal{"WithTooManyListeners", "/spec/listeners",
                repeat(65, R"({"name": "l#", "port": 80, "protocol": "HTTP", "hostname": "h#"})"),
                "spec.listeners", "found 65 items"},
        Refusal{"WithoutPort", kListener0 + "/port", "", "spec.listeners[0].port", "missing"},
        Refusal{"WithPortZero", kListener0 + "/port", "0", "spec.listeners[0].port",
                "found the number 0; valid are 1 to 65535"},
        Refusal{"WithoutProtocol", kListener0 + "/protocol", "", "spec.listeners[0].protocol",
                "missing"},
        Refusal{"WithUsedName", "/spec/listeners/1/name", R"("http")", "spec.listeners[1]",
                "found \"http\" again, it is listeners[0] too"},
        Refusal{"WithTheSameListenerTwice", "/spec/listeners/1",
                R"({"name": "b", "port": 80, "protocol": "HTTP", "hostname": "shop.example.com"})",
                "spec.listeners", "have the same port, protocol and hostname"},
        Refusal{"WithTlsForHttp", kListener0 + "/tls", R"({"mode": "Passthrough"})",
                "spec.listeners", "tls must not be specified for protocol HTTP"},
        Refusal{"WithPassthroughForHttps", kTls1, R"({"mode": "Passthrough"})", "spec.listeners",
                "valid is Terminate"},
        Refusal{"WithoutTlsForTls", kListener0 + "/protocol", R"("TLS")", "spec.listeners",
                "must be set for protocol TLS"},
        Refusal{"WithHostnameForTcp", kListener0 + "/protocol", R"("TCP")", "spec.listeners",
                "hostname must not be specified for protocol TCP"},
        Refusal{"WithNothingToTerminateWith", kTls1, "{}", "spec.listeners[1].tls",
                "needs certificateRefs or options"},
        Refusal{"WithRoutesFromNowhere", kListener0 + "/allowedRoutes",
                R"({"namespaces": {"from": "None"}})",
                "spec.listeners[0].allowedRoutes.namespaces.from", "\"Same\""}),
    name_of);

}  // namespace
}  // namespace sluice::model
