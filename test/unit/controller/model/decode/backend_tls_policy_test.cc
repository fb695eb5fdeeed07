#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test/unit/controller/model/decode/decode_text.h"

namespace sluice::model {
namespace {

constexpr const char* kPolicy = R"({
  "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy",
  "metadata": {"name": "p"},
  "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "s", "sectionName": "https"}],
           "validation": {"hostname": "a.example.com",
                          "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
                          "subjectAltNames": [{"type": "URI", "uri": "spiffe://a/b"}]}}})";

TEST(BackendTlsPolicyTest, IsReadAsWritten) {
  const auto policy = decode_as<BackendTlsPolicy>(nlohmann::json::parse(kPolicy));
  ASSERT_EQ(policy.targets.size(), 1U);
  EXPECT_EQ(policy.targets[0].section_name, "https");
  EXPECT_EQ(policy.hostname, "a.example.com");
  EXPECT_FALSE(policy.system_certificates);
  ASSERT_EQ(policy.ca_certificate_refs.size(), 1U);
  EXPECT_EQ(policy.ca_certificate_refs[0].name, "ca");
  ASSERT_EQ(policy.subject_alt_names.size(), 1U);
  EXPECT_TRUE(policy.subject_alt_names[0].is_uri);
  EXPECT_EQ(policy.subject_alt_names[0].value, "spiffe://a/b");
}

class BackendTlsPolicyRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(BackendTlsPolicyRefusalTest, IsRefused) {
  expect_refused(kPolicy, GetParam());
}

const std::string kValidation = "/spec/validation";
const std::string kNames = kValidation + "/subjectAltNames";

INSTANTIATE_TEST_SUITE_P(
    Fields, BackendTlsPolicyRefusalTest,
    testing::Values(
        Refusal{"WithoutTargets", "/spec/targetRefs", "[]", "spec.targetRefs", "found 0 items"},
        Refusal{"WithOneTargetTwice", "/spec/targetRefs",
                R"([{"group": "", "kind": "Service", "name": "s", "sectionName": "a"},
                    {"group": "", "kind": "Service", "name": "s", "sectionName": "a"}])",
                "spec.targetRefs[1]", "sectionName must be unique"},
        Refusal{"WithASectionOnce", "/spec/targetRefs",
                R"([{"group": "", "kind": "Service", "name": "s", "sectionName": "a"},
                    {"group": "", "kind": "Service", "name": "s"}])",
                "spec.targetRefs[1]", "must be specified in every"},
        Refusal{"WithoutTrust", kValidation + "/caCertificateRefs", "", "spec.validation",
                "found neither"},
        Refusal{"WithBothTrusts", kValidation + "/wellKnownCACertificates", R"("System")",
                "spec.validation", "valid is one of them"},
        Refusal{"OfAnUnknownStore", kValidation + "/wellKnownCACertificates", R"("Mine")",
                "spec.validation.wellKnownCACertificates", "\"System\""},
        Refusal{"OfAWildcard", kValidation + "/hostname", R"("*.example.com")",
                "spec.validation.hostname", "no wildcard"},
        Refusal{"OfTooManyNames", kNames, repeat(6, R"({"type": "Hostname", "hostname": "a.b"})"),
                "spec.validation.subjectAltNames", "found 6 items"},
        Refusal{"OfAUriWithoutIt", kNames, R"([{"type": "URI"}])",
                "spec.validation.subjectAltNames[0]", "uri must be specified"},
        Refusal{"OfAUriWithAHostname", kNames,
                R"([{"type": "URI", "uri": "a://b", "hostname": "a.b"}])",
                "spec.validation.subjectAltNames[0]", "hostname must not be specified"},
        Refusal{"OfNoUri", kNames + "/0/uri", R"("a/b")", "spec.validation.subjectAltNames[0].uri",
                "a URI with a scheme"}),
    name_of);

}  // namespace
}  // namespace sluice::model
