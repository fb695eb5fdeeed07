#include "controller/resolve/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace sluice::resolve {
namespace {

using model::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

model::ParametersRef ref_to(std::string name, std::optional<std::string> ns = std::nullopt) {
  return {"sluice.dev", "GatewayParameters", std::move(name), std::move(ns)};
}

model::GatewayClass class_with(std::optional<model::ParametersRef> ref) {
  model::GatewayClass object;
  object.meta.name = {"", "sluice"};
  object.parameters_ref = std::move(ref);
  return object;
}

model::Gateway gateway_with(std::optional<model::ParametersRef> ref) {
  model::Gateway object;
  object.meta.name = {"apps", "web"};
  object.parameters_ref = std::move(ref);
  return object;
}

model::GatewayParameters parameters(std::string ns, std::string name) {
  model::GatewayParameters object;
  object.meta.name = {std::move(ns), std::move(name)};
  return object;
}

void put(model::Store& store, model::GatewayParameters parameters) {
  const model::ObjectName name = parameters.meta.name;
  store.apply({{Kind::kGatewayParameters, name},
               std::make_shared<const model::Object>(std::move(parameters))});
}

TEST(ParametersTest, AGatewayWithoutAnyHasTheDefaults) {
  const auto found = find_parameters(gateway_with({}), class_with({}), model::Store{});
  EXPECT_EQ(found, Parameters{});
}

TEST(ParametersTest, AFieldOfTheGatewaysComesBeforeTheClassesFieldByField) {
  model::Store store;
  auto shared = parameters("infra", "shared");
  shared.trusted_proxies = {{*http::parse_ip_network("10.0.0.0/8")}};
  shared.proxy_protocol_ports = {{80, 443}};
  shared.backend_proxy_protocol_ports = {{5432, 6379}};
  shared.max_body_bytes = 1000;
  shared.max_header_bytes = 2000;
  put(store, std::move(shared));
  auto own = parameters("apps", "own");
  own.trusted_proxies.emplace();
  own.proxy_protocol_ports = {{443}};
  own.max_body_bytes = 5;
  own.max_uri_bytes = 300;
  put(store, std::move(own));
  const auto found =
      find_parameters(gateway_with(ref_to("own")), class_with(ref_to("shared", "infra")), store);
  EXPECT_FALSE(found.refusal);
  EXPECT_THAT(found.options.trusted_proxies, IsEmpty());
  EXPECT_THAT(found.proxy_protocol_ports, ElementsAre(443));
  EXPECT_THAT(found.backend_proxy_protocol_ports, ElementsAre(5432, 6379));
  EXPECT_EQ(found.options.max_body_bytes, 5U);
  EXPECT_EQ(found.options.max_header_bytes, 2000U);
  EXPECT_EQ(found.options.max_uri_bytes, 300U);
}

TEST(ParametersTest, AnEmptyListTakesTheClassesPortsAway) {
  model::Store store;
  auto shared = parameters("infra", "shared");
  shared.proxy_protocol_ports = {{443}};
  shared.backend_proxy_protocol_ports = {{5432, 6379}};
  put(store, std::move(shared));
  auto own = parameters("apps", "own");
  own.backend_proxy_protocol_ports.emplace();
  put(store, std::move(own));
  const auto found =
      find_parameters(gateway_with(ref_to("own")), class_with(ref_to("shared", "infra")), store);
  EXPECT_THAT(found.proxy_protocol_ports, ElementsAre(443));
  EXPECT_THAT(found.backend_proxy_protocol_ports, IsEmpty());
}

TEST(ParametersTest, AReferenceOfAGatewayStaysInItsNamespace) {
  model::Store store;
  put(store, parameters("infra", "own"));
  const auto found = find_parameters(gateway_with(ref_to("own")), class_with({}), store);
  ASSERT_TRUE(found.refusal);
  EXPECT_EQ(found.refusal->reason, "InvalidParameters");
  EXPECT_THAT(found.refusal->message,
              HasSubstr("spec.infrastructure.parametersRef: GatewayParameters apps/own does not "
                        "exist"));
}

TEST(ParametersTest, AClassMustSayTheNamespace) {
  const auto refusal = refuse_class(class_with(ref_to("shared")), model::Store{});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->message,
            "spec.parametersRef.namespace: missing, but required for GatewayParameters");
}

TEST(ParametersTest, OtherKindsAreRefusedByName) {
  const auto refusal =
      refuse_class(class_with(model::ParametersRef{"", "ConfigMap", "x", "y"}), model::Store{});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, HasSubstr("valid is sluice.dev/GatewayParameters"));
}

TEST(ParametersTest, AClassThatIsRefusedRefusesItsGateways) {
  const auto found =
      find_parameters(gateway_with({}), class_with(ref_to("shared", "infra")), model::Store{});
  ASSERT_TRUE(found.refusal);
  EXPECT_THAT(found.refusal->message, HasSubstr("GatewayClass sluice is not accepted: "
                                                "spec.parametersRef: GatewayParameters "
                                                "infra/shared does not exist"));
}

}  // namespace
}  // namespace sluice::resolve
