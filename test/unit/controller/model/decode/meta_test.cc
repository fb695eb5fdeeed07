#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

constexpr std::string_view kSecret = R"({"apiVersion": "v1", "kind": "Secret",
  "metadata": {"name": "s", "namespace": "n", "labels": {"a": "b"}}, "data": {"k": "aGVsbG8="}})";

class MetaAcceptanceTest : public testing::TestWithParam<Acceptance> {};

TEST_P(MetaAcceptanceTest, IsAccepted) {
  expect_accepted(kSecret, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, MetaAcceptanceTest,
    testing::Values(
        Acceptance{"NameWithDots", "/metadata/name", R"("a.b-c.1")"},
        Acceptance{"NullLabels", "/metadata/labels", "null"},
        Acceptance{"NullNamespace", "/metadata/namespace", "null"},
        Acceptance{"LabelWithAPrefix", "/metadata/labels", R"({"example.com/A_b.c": "D_e.f"})"},
        Acceptance{"AnnotationWithAnUpperCasePrefix", "/metadata/annotations",
                   R"({"Example.com/a": "any text \u0000 at all"})"},
        Acceptance{"FieldsOfTheServer", "/metadata",
                   R"({"name": "s", "uid": "1", "resourceVersion": "2", "managedFields": [],
                       "ownerReferences": [], "finalizers": []})"}),
    accepted_name_of);

class MetaRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(MetaRefusalTest, IsRefused) {
  expect_refused(kSecret, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, MetaRefusalTest,
    testing::Values(
        Refusal{"WithoutMetadata", "/metadata", "", "metadata", "missing"},
        Refusal{"WithMetadataThatIsText", "/metadata", R"("s")", "metadata", "valid is a mapping"},
        Refusal{"WithoutName", "/metadata/name", "", "metadata.name", "missing"},
        Refusal{"WithNullName", "/metadata/name", "null", "metadata.name", "missing"},
        Refusal{"WithEmptyName", "/metadata/name", R"("")", "metadata.name", "found 0 characters"},
        Refusal{"WithUpperCaseName", "/metadata/name", R"("Web")", "metadata.name",
                "found \"Web\""},
        Refusal{"WithTooLongName", "/metadata/name", quoted(254), "metadata.name",
                "found 254 characters; valid are 1 to 253"},
        Refusal{"WithNumberAsName", "/metadata/name", "5", "metadata.name",
                "found the number 5; valid is text"},
        Refusal{"WithDotInTheNamespace", "/metadata/namespace", R"("a.b")", "metadata.namespace",
                "found \"a.b\""},
        Refusal{"WithTooLongNamespace", "/metadata/namespace", quoted(64), "metadata.namespace",
                "valid are 1 to 63"},
        Refusal{"WithLabelThatIsNoText", "/metadata/labels", R"({"a": true})", "metadata.labels[a]",
                "found a boolean"},
        Refusal{"WithBadLabelKey", "/metadata/labels", R"({"a b": ""})", "metadata.labels",
                "key: found \"a b\""},
        Refusal{"WithBadLabelPrefix", "/metadata/labels", R"({"A/b": ""})", "metadata.labels",
                "key: found \"A/b\""},
        Refusal{"WithTooLongLabelValue", "/metadata/labels/a", quoted(64), "metadata.labels[a]",
                "found 64 characters; valid are 0 to 63"},
        Refusal{"WithBadLabelValue", "/metadata/labels/a", R"("-b")", "metadata.labels[a]",
                "found \"-b\""},
        Refusal{"WithLabelsThatAreAList", "/metadata/labels", "[]", "metadata.labels",
                "found a list"},
        Refusal{"WithBadAnnotationKey", "/metadata/annotations", R"({"": ""})",
                "metadata.annotations", "key: found 0 characters"},
        Refusal{"WithBadTimestamp", "/metadata/creationTimestamp", R"("yesterday")",
                "metadata.creationTimestamp", "found \"yesterday\""},
        Refusal{"WithNegativeGeneration", "/metadata/generation", "-1", "metadata.generation",
                "found the number -1"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Secret, MetaRefusalTest,
    testing::Values(Refusal{"WithDataThatIsNotBase64", "/data/k", R"("%%%%")", "data[k]",
                            "found a value (not shown); valid is base64"},
                    Refusal{"WithBadDataKey", "/data", R"({"a/b": ""})", "data",
                            "key: found \"a/b\""},
                    Refusal{"WithNumberAsText", "/stringData", R"({"a": 1})", "stringData[a]",
                            "found a number"},
                    Refusal{"WithTypeThatIsNoText", "/type", "1", "type", "found the number 1"}),
    name_of);

constexpr std::string_view kNamespace =
    R"({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})";

class NamespaceRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(NamespaceRefusalTest, IsRefused) {
  expect_refused(kNamespace, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Name, NamespaceRefusalTest,
                         testing::Values(Refusal{"WithADot", "/metadata/name", R"("a.b")",
                                                 "metadata.name", "found \"a.b\""},
                                         Refusal{"TooLong", "/metadata/name", quoted(64),
                                                 "metadata.name", "valid are 1 to 63"}),
                         name_of);

TEST(ConfigMapDecodeTest, TextAndBinaryDataAreAccepted) {
  const auto config = decode_as<ConfigMap>(nlohmann::json::parse(
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
          "data": {"ca.crt": "x"}, "binaryData": {"b": "AAA="}, "immutable": true})"));
  EXPECT_EQ(config.meta.name.text(), "default/c");
}

constexpr std::string_view kTrustBundle = R"({"apiVersion": "certificates.k8s.io/v1",
  "kind": "ClusterTrustBundle", "metadata": {"name": "example.com:signer:v1"},
  "spec": {"signerName": "example.com/signer", "trustBundle": "text"}})";

TEST(ClusterTrustBundleDecodeTest, IsOfNoNamespace) {
  const auto bundle = decode_as<ClusterTrustBundle>(nlohmann::json::parse(kTrustBundle));
  EXPECT_EQ(bundle.meta.name.text(), "example.com:signer:v1");
  EXPECT_EQ(bundle.pem, "text");
}

class TrustBundleAcceptanceTest : public testing::TestWithParam<Acceptance> {};

TEST_P(TrustBundleAcceptanceTest, IsAccepted) {
  expect_accepted(kTrustBundle, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kubernetes, TrustBundleAcceptanceTest,
                         testing::Values(Acceptance{"OlderVersion", "/apiVersion",
                                                    R"("certificates.k8s.io/v1beta1")"},
                                         Acceptance{"EmptyBundle", "/spec/trustBundle", R"("")"}),
                         accepted_name_of);

class TrustBundleRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(TrustBundleRefusalTest, IsRefused) {
  expect_refused(kTrustBundle, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, TrustBundleRefusalTest,
    testing::Values(Refusal{"NameOfAnotherSigner", "/metadata/name", R"("example.com:other:v1")",
                            "metadata.name", "must begin with \"example.com:signer:\""},
                    Refusal{"NameWithoutItsSigner", "/metadata/name", R"("v1")", "metadata.name",
                            "must begin with \"example.com:signer:\""},
                    Refusal{"NameWithASignerThatIsNotSaid", "/spec/signerName", "null",
                            "metadata.name", "found \":\""},
                    Refusal{"NameWithUpperCase", "/metadata/name", R"("example.com:signer:V1")",
                            "metadata.name", "valid is such as"},
                    Refusal{"NoBundle", "/spec/trustBundle", "null", "spec.trustBundle", "missing"},
                    Refusal{"NoSpec", "/spec", "null", "spec", "missing"}),
    name_of);

}  // namespace
}  // namespace sluice::model
