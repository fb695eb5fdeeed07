#include "controller/model/decode/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DecodeTest, ObjectWithoutNamespaceIsInDefault) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Service",
      "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(decoded.key.text(), "Service/default/web");
  EXPECT_EQ(key_of(*decoded.object), decoded.key);
}

TEST(DecodeTest, MetadataIsKept) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
      "name": "m", "namespace": "n", "generation": 7, "labels": {"a": "b"},
      "annotations": {"x/y": "z"}, "creationTimestamp": "2026-01-01T00:00:10+00:00"}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  const Meta& meta = meta_of(*decoded.object);
  EXPECT_EQ(meta.name.text(), "n/m");
  EXPECT_EQ(meta.generation, 7);
  EXPECT_EQ(meta.created, 1767225610);
  EXPECT_EQ(meta.labels, (Labels{{"a", "b"}}));
  EXPECT_EQ(meta.annotations, (Labels{{"x/y", "z"}}));
  EXPECT_EQ(meta.position.file, "web.yaml");
  EXPECT_EQ(meta.position.line, 12);
}

TEST(DecodeTest, NullCreationTimestampOfAPrintedManifestIsAbsent) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Namespace",
      "metadata": {"name": "team", "creationTimestamp": null}, "spec": {}, "status": {}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(meta_of(*decoded.object).created, std::nullopt);
  EXPECT_THAT(decoded.warnings, IsEmpty());
}

TEST(DecodeTest, NamespaceCarriesItsNameAsALabel) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Namespace",
      "metadata": {"name": "team", "labels": {"kubernetes.io/metadata.name": "lie"}}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(meta_of(*decoded.object).labels, (Labels{{"kubernetes.io/metadata.name", "team"}}));
  EXPECT_EQ(decoded.key.text(), "Namespace/team");
}

TEST(DecodeTest, NamespaceOfAClusterScopedObjectIsIgnoredWithAWarning) {
  const Decoded decoded = decode_text(R"({"apiVersion": "gateway.networking.k8s.io/v1",
      "kind": "GatewayClass", "metadata": {"name": "c", "namespace": "n"},
      "spec": {"controllerName": "sluice.dev/gateway-controller"}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_EQ(decoded.key.text(), "GatewayClass/c");
  EXPECT_THAT(warned_fields(decoded), ElementsAre("metadata.namespace"));
}

TEST(DecodeTest, ObjectOfAnotherKindIsIgnored) {
  const Decoded decoded = decode_text(R"({"apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": {"name": "web"}, "spec": {"replicas": 1}})");
  EXPECT_FALSE(decoded.known);
  EXPECT_EQ(decoded.ignored_kind, "apps/v1 Deployment");
  EXPECT_THAT(decoded.errors, IsEmpty());
  EXPECT_THAT(decoded.warnings, IsEmpty());
}

TEST(DecodeTest, UnreadVersionIsIgnoredAndTheReadOneIsNamed) {
  const Decoded decoded = decode_text(R"({"apiVersion": "gateway.networking.k8s.io/v1alpha2",
      "kind": "HTTPRoute", "metadata": {"name": "web"}})");
  EXPECT_FALSE(decoded.known);
  EXPECT_EQ(decoded.ignored_kind, "gateway.networking.k8s.io/v1alpha2 HTTPRoute");
  ASSERT_THAT(warned_fields(decoded), ElementsAre("apiVersion"));
  EXPECT_THAT(decoded.warnings[0].message, HasSubstr("valid is v1"));
}

TEST(DecodeTest, BetaVersionsOfTheGatewayApiAreRead) {
  const Decoded decoded = decode_text(R"({"apiVersion": "gateway.networking.k8s.io/v1beta1",
      "kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": {}})");
  EXPECT_NE(decoded.object, nullptr) << describe(decoded);
}

TEST(DecodeTest, WhatIsNoObjectIsRefused) {
  EXPECT_THAT(refused_fields(decode_text("[1, 2]")), ElementsAre(""));
  EXPECT_THAT(refused_fields(decode_text("null")), ElementsAre(""));
  EXPECT_THAT(refused_fields(decode_text("{}")), ElementsAre("apiVersion", "kind"));
  EXPECT_THAT(refused_fields(decode_text(R"({"apiVersion": 1, "kind": "Service"})")),
              ElementsAre("apiVersion"));
}

TEST(DecodeTest, ProblemsNameObjectPlaceAndField) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Service",
      "metadata": {"name": "web"}, "spec": {"ports": [{"port": 0}]}})");
  EXPECT_EQ(decoded.object, nullptr);
  EXPECT_TRUE(decoded.known);
  ASSERT_EQ(decoded.errors.size(), 1U) << describe(decoded);
  const Problem& problem = decoded.errors[0];
  EXPECT_EQ(problem.position.file, "web.yaml");
  EXPECT_EQ(problem.position.line, 12);
  EXPECT_EQ(problem.object, "Service/default/web");
  EXPECT_EQ(problem.field, "spec.ports[0].port");
  EXPECT_EQ(problem.message, "found the number 0; valid are 1 to 65535");
}

TEST(DecodeTest, EveryProblemOfAnObjectIsReportedAtOnce) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Service",
      "metadata": {"name": "web"}, "spec": {"type": "Odd", "ports": [{"port": 0}, 3]}})");
  EXPECT_THAT(refused_fields(decoded),
              ElementsAre("spec.type", "spec.ports[0].port", "spec.ports[1]", "spec.ports[0]"))
      << describe(decoded);
}

TEST(DecodeTest, UnknownFieldIsAWarningWithTheNearestName) {
  const Decoded decoded = decode_text(R"({"apiVersion": "gateway.networking.k8s.io/v1",
      "kind": "HTTPRoute", "metadata": {"name": "web"},
      "spec": {"hostname": [], "rules": [{"matchs": [], "backendrefs": [], "zzz": 1}]}})");
  ASSERT_NE(decoded.object, nullptr) << describe(decoded);
  EXPECT_THAT(warned_fields(decoded),
              ElementsAre("spec.rules[0].backendrefs", "spec.rules[0].matchs", "spec.rules[0].zzz",
                          "spec.hostname"));
  EXPECT_THAT(decoded.warnings[0].message, HasSubstr("did you mean \"backendRefs\"?"));
  EXPECT_THAT(decoded.warnings[1].message, HasSubstr("did you mean \"matches\"?"));
  EXPECT_EQ(decoded.warnings[2].message, "unknown field, ignored");
  EXPECT_THAT(decoded.warnings[3].message, HasSubstr("did you mean \"hostnames\"?"));
}

TEST(DecodeTest, ASecretForTlsHasBothOfItsEntries) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Secret",
      "metadata": {"name": "s"}, "type": "kubernetes.io/tls", "data": {"tls.key": ""}})");
  ASSERT_EQ(decoded.errors.size(), 1U);
  EXPECT_EQ(decoded.errors[0].field, "data[tls.crt]");
}

TEST(DecodeTest, SecretValuesAreNeverShown) {
  const Decoded decoded = decode_text(R"({"apiVersion": "v1", "kind": "Secret",
      "metadata": {"name": "s"}, "data": {"a": "hunter2!", "b": ["hunter2"], "c": 12345}})");
  EXPECT_EQ(decoded.errors.size(), 3U) << describe(decoded);
  EXPECT_THAT(describe(decoded), testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(describe(decoded), testing::Not(HasSubstr("12345")));
}

}  // namespace
}  // namespace sluice::model
